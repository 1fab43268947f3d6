import numpy as np

from pipelines.dedupe.grids import CELL, NEAREST, Columns, Grid, tables


def some_columns(size: int) -> Columns:
    values = np.random.default_rng(0).normal(0, 8, (24, size)).clip(-127, 127)
    return values.astype(np.int8).view(np.uint8)


def inside(grid: Grid, columns: Columns) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """How far each value is from the lower wall of its cell: `(values, views)`."""
    return np.asarray((columns.view(np.int8)[grid.values] + grid.shifts[:, None]) % CELL)


def crossed(grid: Grid, columns: Columns, view: int, values: list[int]) -> np.uint64:
    """The code of a view once some of its values are on the other side of their nearest walls."""
    moved = columns[:, view : view + 1].view(np.int8).copy()
    for value in values:
        down = inside(grid, columns)[value, view] < CELL // 2
        moved[grid.values[value]] += np.int8(-CELL if down else CELL)
    return np.uint64(grid.codes(moved.view(np.uint8))[0])


def test_codes_agree_where_cells_do() -> None:
    grid = Grid.seeded(3, tuple(range(24)), 5)
    columns = some_columns(300)
    cells = (columns.view(np.int8)[grid.values] + grid.shifts[:, None]) // CELL
    _, by_cell = np.unique(cells, axis=1, return_inverse=True)
    _, by_code = np.unique(grid.codes(columns), return_inverse=True)
    assert len({*zip(by_cell.tolist(), by_code.tolist(), strict=True)}) == len({*by_cell.tolist()})
    assert by_code.max() == by_cell.max()


def test_probes_are_the_cells_behind_the_nearest_walls() -> None:
    grid = Grid.seeded(3, tuple(range(24)), 5)
    columns = some_columns(50)
    probes = grid.probes(columns)
    assert (probes[0] == grid.codes(columns)).all()
    distance = inside(grid, columns)
    nearest = np.argsort(np.minimum(distance, CELL - 1 - distance), axis=0, kind="stable")
    for view in range(50):
        a, b, c, d = nearest[:NEAREST, view].tolist()
        for probe, walls in enumerate(([a], [b], [c], [d], [a, b], [a, c], [b, c]), 1):
            assert probes[probe, view] == crossed(grid, columns, view, walls)


def test_tables_are_the_same_in_any_groups() -> None:
    whole = tables(4, 0, 1000)
    halves = tables(2, 0, 1000) + tables(2, 2, 1000)
    for one, other in zip(whole, halves, strict=True):
        for mine, its in zip(one, other, strict=True):
            assert (mine.factors == its.factors).all()
