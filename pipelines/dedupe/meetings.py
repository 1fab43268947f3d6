"""Which views meet: those in one cell, or on both sides of its nearest walls, with near hashes.

Views are gone through in the order of their cells, a block at a time. What a block reads of other
views then lies close together, since a wall that is crossed adds the same to every code: with a
million views most of the time would else go into waiting for memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.cells import CROWD, Cells, Ints
from pipelines.dedupe.grids import Codes, Columns, Grid, Values, columns_of
from pipelines.dedupe.keys import order_by

BLOCK = 1 << 14  # views at a time; chosen: of 2,048 to 65,536 the fastest with 512 kB of cache
ASKING = 1 << 17  # views at a time in inner cells, a few for each view of a block; chosen: 100 MB
BATCH = 1 << 17  # pairs from which on they are handed on; chosen: 2 MB

Flags = npt.NDArray[np.bool_]  # (views,)
Pairs = tuple[Ints, Ints]


@dataclass(frozen=True)
class Level:
    """Cells, and what is read of the views in them.

    Args:
        cells: their views are places in the order of the first level.
        hashes: perceptual ones of the views, in the order of the cells.
        inner: of each cell, its number among those that the next level cuts; -1 where it is not.
    """

    cells: Cells
    hashes: Codes
    inner: Ints


@dataclass(frozen=True)
class Probers:
    """Views that ask who else is in a cell.

    Args:
        columns: of all views of a block.
        hashes: of all views of a block.
        max_hamming: bits by which the hashes of two views that meet may differ.
    """

    columns: Columns
    hashes: Codes
    max_hamming: int


@dataclass(frozen=True)
class Table:
    """Views in the order of the cells of one table.

    Args:
        order: numbers of the views; a place is a position in it.
        values: of the views, in that order.
        hashes: of the views, in that order.
        levels: coarse to fine.
    """

    order: Ints
    values: Values
    hashes: Codes
    levels: Sequence[Level]

    @classmethod
    def of(cls, values: Values, hashes: Codes, grids: Sequence[Grid], lives: Flags) -> Self:
        """A table of views.

        Args:
            values: of views, the best-ranked one first: where the last grid leaves a cell crowded,
                each view of it meets the `CROWD` first ones.
            hashes: perceptual ones of the views.
            grids: of the table.
            lives: whether a view is in a cell; the others, whose own cell is elsewhere, only meet
                those who are.
        """
        codes, everywhere = _codes(grids[0], values), np.zeros(1, np.int64)
        first = Cells.of(grids[0], np.flatnonzero(lives), codes[lives], everywhere, 1)
        visitors = np.flatnonzero(~lives)
        order = np.concatenate([first.views, visitors[order_by(codes[visitors])]])
        values, hashes = values[order], hashes[order]
        places = np.arange(len(first.views))
        levels = _levels(replace(first, views=places), values, hashes, grids[1:])
        return cls(order, values, hashes, levels)

    def meetings(self, max_hamming: int) -> Iterator[Pairs]:
        """Places of pairs of views that meet, as two columns, some of them more than once.

        Args:
            max_hamming: bits by which their hashes may differ.
        """
        everywhere = np.zeros(1, np.int64)
        for start in range(0, len(self.order), BLOCK):
            block = slice(start, start + BLOCK)
            probers = Probers(columns_of(self.values[block]), self.hashes[block], max_hamming)
            everyone = np.arange(len(probers.hashes))
            for one, other in _batches(_meet(self.levels, probers, everyone, everywhere)):
                yield start + one, other


def _levels(cells: Cells, values: Values, hashes: Codes, finer: Sequence[Grid]) -> list[Level]:
    """The cells of the first level, and of those after it while any are crowded."""
    crowded = cells.sizes > CROWD
    if not finer or not crowded.any():
        return [Level(cells, hashes[cells.views], np.full(len(crowded), -1))]
    inner = np.where(crowded, np.cumsum(crowded) - 1, -1)
    outer = np.repeat(inner, cells.sizes)
    views, outer = cells.views[outer >= 0], outer[outer >= 0]
    codes = _codes(finer[0], values[views])
    cut = Cells.of(finer[0], views, codes, outer, int(crowded.sum()))
    return [Level(cells, hashes[cells.views], inner), *_levels(cut, values, hashes, finer[1:])]


def _meet(levels: Sequence[Level], probers: Probers, views: Ints, outer: Ints) -> Iterator[Pairs]:
    """Those that views of a block meet in the cells of a level, and in the cells inside of these.

    Args:
        levels: the first is the one meant.
        probers: the block.
        views: numbers in the block, which may repeat.
        outer: the outer cell that each of them looks in.
    """
    level, parts = levels[0], []
    probes = level.cells.grid.probes(probers.columns)
    for asked, found in level.cells.find((codes[views] for codes in probes), outer):
        parts.append((views[asked], found))
    views, found = _joined(parts)
    inner = level.inner[found]
    flat, crowded = np.flatnonzero(inner < 0), np.flatnonzero(inner >= 0)
    yield from _expand(level, probers, views[flat], found[flat])
    for start in range(0, len(crowded), ASKING):
        part = crowded[start : start + ASKING]
        yield from _meet(levels[1:], probers, views[part], inner[part])


def _expand(level: Level, probers: Probers, views: Ints, found: Ints) -> Iterator[Pairs]:
    """Each view with those of the cell that it found whose hashes are near."""
    starts = level.cells.starts[found]
    sizes = np.minimum(level.cells.starts[found + 1] - starts, CROWD).astype(np.uint8)
    order = np.argsort(CROWD - sizes, kind="stable")
    views, starts = views[order], starts[order]
    hashes = probers.hashes[views]
    counts = len(sizes) - np.cumsum(np.bincount(sizes, minlength=1))[:-1]
    for offset, count in enumerate(counts.tolist()):  # those of cells with more than `offset`
        place = starts[:count] + offset
        apart = np.bitwise_count(level.hashes[place] ^ hashes[:count])
        near = np.flatnonzero(apart <= probers.max_hamming)
        yield views[near], level.cells.views[place[near]]


def _batches(found: Iterable[Pairs]) -> Iterator[Pairs]:
    """The same pairs in fewer columns."""
    parts: list[Pairs] = []
    waiting = 0
    for pairs in found:
        parts.append(pairs)
        waiting += len(pairs[0])
        if waiting >= BATCH:
            yield _joined(parts)
            parts, waiting = [], 0
    if parts:
        yield _joined(parts)


def _joined(parts: Sequence[Pairs]) -> Pairs:
    one, other = zip(*parts, strict=True)
    return np.concatenate(one), np.concatenate(other)


def _codes(grid: Grid, values: Values) -> Codes:
    parts = [
        grid.codes(columns_of(values[start : start + BLOCK]))
        for start in range(0, len(values), BLOCK)
    ]
    return np.concatenate([np.empty(0, np.uint64), *parts])
