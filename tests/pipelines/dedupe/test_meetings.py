import numpy as np
import pytest

from pipelines.dedupe import meetings
from pipelines.dedupe.cells import CROWD
from pipelines.dedupe.grids import Grid, Values, tables
from pipelines.dedupe.meetings import Table
from tests.support.views import meetings_one_by_one


def some_values(size: int, seed: int = 0) -> Values:
    return np.random.default_rng(seed).normal(0, 8, (size, 24)).astype(np.int8)


def found(values: Values, grids: list[Grid]) -> list[tuple[int, int]]:
    hashes = np.zeros(len(values), np.uint64)
    table = Table.of(values, hashes, grids, np.ones(len(values), bool))
    return [
        (int(table.order[a]), int(table.order[b]))
        for ones, others in table.meetings(0)
        for a, b in zip(ones.tolist(), others.tolist(), strict=True)
    ]


def met(values: Values, grids: list[Grid]) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in found(values, grids) if pair[0] != pair[1]}


@pytest.mark.parametrize("seed", range(4))
def test_those_meet_that_meet_one_by_one(seed, monkeypatch) -> None:
    monkeypatch.setattr(meetings, "CROWD", 3)
    values = np.repeat(some_values(40, seed) // 2, 3, axis=0) + some_values(120, seed + 9) // 12
    grids = tables(1, seed, 120)[0]
    assert met(values, grids) == meetings_one_by_one(values, grids, 3)


def test_those_meet_whose_hashes_are_near() -> None:
    hashes = np.array([0, 0b111, 0b1111, 1 << 63], np.uint64)
    table = Table.of(np.zeros((4, 24), np.int8), hashes, tables(1, 0, 4)[0], np.ones(4, bool))
    pairs = {
        (int(table.order[a]), int(table.order[b]))
        for ones, others in table.meetings(3)
        for a, b in zip(ones.tolist(), others.tolist(), strict=True)
    }
    assert {pair for pair in pairs if pair[0] < pair[1]} == {(0, 1), (0, 3), (1, 2)}


def test_a_visitor_meets_those_who_live_there_and_is_met_by_none() -> None:
    lives, hashes = np.array([True, False, True, False]), np.zeros(4, np.uint64)
    table = Table.of(np.zeros((4, 24), np.int8), hashes, tables(1, 0, 4)[0], lives)
    ones, others = map(np.concatenate, zip(*table.meetings(0), strict=True))
    pairs = {*zip(table.order[ones].tolist(), table.order[others].tolist(), strict=True)}
    assert pairs == {(view, other) for view in range(4) for other in (0, 2)}


def test_equal_views_meet_in_every_table() -> None:
    values = np.repeat(some_values(40), 2, axis=0)
    for table in tables(3, 0, len(values)):
        assert {(2 * n, 2 * n + 1) for n in range(40)} <= met(values, table)


def test_the_order_of_the_views_changes_nothing() -> None:
    values = np.repeat(some_values(60), 2, axis=0) + np.arange(24, dtype=np.int8) % 2
    order = np.random.default_rng(2).permutation(120)
    table = tables(1, 0, 120)[0]
    again = {tuple(sorted((int(order[a]), int(order[b])))) for a, b in met(values[order], table)}
    assert again == met(values, table)


@pytest.mark.parametrize("name", ["BLOCK", "ASKING", "BATCH"])
@pytest.mark.parametrize("size", [1, 7])
def test_bounds_on_memory_change_nothing(name, size, monkeypatch) -> None:
    monkeypatch.setattr(meetings, "CROWD", 3)
    values = some_values(80) // 4
    expected = met(values, tables(1, 0, 80)[0])
    monkeypatch.setattr(meetings, name, size)
    assert met(values, tables(1, 0, 80)[0]) == expected


def test_pairs_of_a_crowd_come_in_bounded_batches(monkeypatch) -> None:
    monkeypatch.setattr(meetings, "BATCH", 100)
    monkeypatch.setattr(meetings, "BLOCK", 50)
    values = np.zeros((1000, 24), np.int8)
    hashes, lives = np.zeros(1000, np.uint64), np.ones(1000, bool)
    table = Table.of(values, hashes, tables(1, 0, 1000)[0], lives)
    sizes = [len(ones) for ones, _ in table.meetings(0)]
    assert sum(sizes) == 1000 * CROWD
    assert max(sizes) < 100 + 50


def test_the_work_of_a_crowd_is_linear() -> None:
    def work(size: int) -> int:
        values = np.zeros((size, 24), np.int8)
        return len(found(values, tables(1, 0, 1000)[0]))

    assert 0 < work(4000) <= 2.1 * work(2000)


def test_members_of_a_crowd_meet_the_best_one_of_it() -> None:
    values = np.zeros((10 * CROWD, 24), np.int8)
    assert {(0, n) for n in range(1, 10 * CROWD)} <= met(values, tables(1, 0, 1000)[0])


def test_copies_meet_among_many_pictures_and_among_few() -> None:
    for size in (200, 4_000):
        originals = some_values(size)
        noise = np.random.default_rng(5).normal(0, 0.5, originals.shape)
        values = np.concatenate([originals, np.rint(originals + noise).astype(np.int8)])
        pairs = set().union(*(met(values, table) for table in tables(8, 0, 2 * size)))
        assert sum((n, n + size) in pairs for n in range(size)) > 0.99 * size
