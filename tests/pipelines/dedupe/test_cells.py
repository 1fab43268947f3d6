import numpy as np
import pytest

from pipelines.dedupe.cells import Cells
from pipelines.dedupe.grids import Grid

GRID = Grid.seeded(0, tuple(range(24)), 6)


@pytest.mark.parametrize("distinct", [1, 20, 200])
def test_cells_find_every_code_and_no_other(distinct) -> None:
    chance = np.random.default_rng(distinct)
    codes = chance.integers(0, 1 << 63, distinct).astype(np.uint64)[
        chance.integers(0, distinct, 500)
    ]
    outer = chance.integers(0, 7, 500)
    cells = Cells.of(GRID, np.arange(500), codes, outer, 7)
    asked, found = next(iter(cells.find([codes], outer)))
    assert sorted(asked.tolist()) == list(range(500))
    for view, cell in zip(asked.tolist(), found.tolist(), strict=True):
        mates = cells.views[cells.starts[cell] : cells.starts[cell + 1]]
        equal = (codes == codes[view]) & (outer == outer[view])
        assert mates.tolist() == np.flatnonzero(equal).tolist()
    others = [codes + np.uint64(1 << 32), codes ^ np.uint64(1 << 63)]
    assert [len(asked) for asked, _ in cells.find(others, outer)] == [0, 0]


def test_codes_with_equal_first_bits_are_told_apart() -> None:
    codes = np.arange(100).astype(np.uint64) << np.uint64(8)
    cells = Cells.of(GRID, np.arange(100), codes, np.zeros(1, np.int64), 1)
    asked, found = next(iter(cells.find([codes], np.zeros(1, np.int64))))
    assert {*zip(asked.tolist(), found.tolist(), strict=True)} == {(n, n) for n in range(100)}


def test_no_views_have_no_cells() -> None:
    nothing = np.empty(0, np.int64)
    cells = Cells.of(GRID, nothing, nothing.astype(np.uint64), np.zeros(1, np.int64), 1)
    some = np.array([0, 1 << 63, 2**64 - 1], np.uint64)
    assert [len(asked) for asked, _ in cells.find([some], np.zeros(1, np.int64))] == [0]
