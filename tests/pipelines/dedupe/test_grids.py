import numpy as np
import pytest

from pipelines.dedupe import grids
from pipelines.dedupe.grids import CELL, CROWD, Directory, Grid, meetings, tables


def some_values(size: int, seed: int = 0) -> grids.Values:
    return np.random.default_rng(seed).normal(0, 8, (size, 24)).astype(np.int16)


def met(values: grids.Values, table: list[Grid]) -> set[tuple[int, int]]:
    return {
        (min(a, b), max(a, b))
        for ones, others in meetings(values, table)
        for a, b in zip(ones.tolist(), others.tolist(), strict=True)
        if a != b
    }


def test_a_directory_finds_every_code_and_no_other() -> None:
    chance = np.random.default_rng(1)
    codes = chance.integers(0, 1 << 63, 200).astype(np.uint64)[chance.integers(0, 200, 500)]
    directory = Directory.of(np.arange(500), codes)
    for code, run in zip(codes, directory.find(codes), strict=True):
        views = directory.views[directory.starts[run] : directory.starts[run + 1]]
        assert views.tolist() == np.flatnonzero(codes == code).tolist()
    assert set(directory.find(codes + np.uint64(1)).tolist()) == {-1}


def test_codes_agree_where_cells_do() -> None:
    grid = Grid.seeded(3, tuple(range(24)), 5)
    values = some_values(300)
    cells = (values[:, grid.values] + grid.shifts) // CELL
    codes = grid.codes(values, np.zeros(300, np.uint64))
    _, by_cell = np.unique(cells, axis=0, return_inverse=True)
    _, by_code = np.unique(codes, return_inverse=True)
    assert len({*zip(by_cell.tolist(), by_code.tolist(), strict=True)}) == len({*by_cell.tolist()})
    assert by_code.max() == by_cell.max()


def test_probes_are_the_cells_behind_the_nearest_walls() -> None:
    grid = Grid.seeded(3, tuple(range(24)), 5)
    values = some_values(50)
    codes = grid.codes(values, np.zeros(50, np.uint64))
    probes = grid.probes(codes, values)
    assert (probes[0] == codes).all()
    for row in range(50):
        inside = (values[row, grid.values] + grid.shifts) % CELL
        nearest = int(np.minimum(inside, CELL - 1 - inside).argmin())
        moved = values[row : row + 1].copy()
        moved[0, grid.values[nearest]] += -CELL if inside[nearest] < CELL // 2 else CELL
        assert probes[1, row] == grid.codes(moved, np.zeros(1, np.uint64))[0]


def test_equal_views_meet_in_every_table() -> None:
    values = np.repeat(some_values(40), 2, axis=0)
    for table in tables(3, 0, len(values)):
        assert {(2 * n, 2 * n + 1) for n in range(40)} <= met(values, table)


def test_the_order_of_the_views_changes_nothing() -> None:
    values = np.repeat(some_values(60), 2, axis=0) + np.arange(24, dtype=np.int16) % 2
    order = np.random.default_rng(2).permutation(120)
    table = tables(1, 0, 120)[0]
    again = {tuple(sorted((int(order[a]), int(order[b])))) for a, b in met(values[order], table)}
    assert again == met(values, table)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 21])
def test_chunks_change_nothing(chunk, monkeypatch) -> None:
    values = some_values(80) // 4
    expected = met(values, tables(1, 0, 80)[0])
    monkeypatch.setattr(grids, "CHUNK_PAIRS", chunk)
    assert met(values, tables(1, 0, 80)[0]) == expected


def test_the_work_of_a_crowd_is_linear() -> None:
    def work(size: int) -> int:
        values = np.zeros((size, 24), np.int16)
        return sum(len(ones) for ones, _ in meetings(values, tables(1, 0, 1000)[0]))

    assert 0 < work(4000) <= 2.1 * work(2000)


def test_members_of_a_crowd_meet_the_best_one_of_it() -> None:
    values = np.zeros((10 * CROWD, 24), np.int16)
    assert {(0, n) for n in range(1, 10 * CROWD)} <= met(values, tables(1, 0, 1000)[0])


def test_copies_meet_among_many_pictures_and_among_few() -> None:
    for size in (200, 4_000):
        originals = some_values(size)
        noise = np.random.default_rng(5).normal(0, 0.5, originals.shape)
        values = np.concatenate([originals, np.rint(originals + noise).astype(np.int16)])
        found = set().union(*(met(values, table) for table in tables(8, 0, 2 * size)))
        assert sum((n, n + size) in found for n in range(size)) > 0.99 * size


def test_tables_are_the_same_in_any_groups() -> None:
    whole = tables(4, 0, 1000)
    halves = tables(2, 0, 1000) + tables(2, 2, 1000)
    for one, other in zip(whole, halves, strict=True):
        for mine, its in zip(one, other, strict=True):
            assert (mine.factors == its.factors).all()
