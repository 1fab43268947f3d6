"""The views of a table in parts, so that no worker holds those of a whole run.

A part is a share of the cells, told apart by the first values of the table's grid. A view goes
where its own cell is, and as a visitor where it would look behind its nearest walls: whoever meets
in the whole table meets in one of its parts.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipelines.dedupe.cells import Ints
from pipelines.dedupe.grids import Codes, Grid, columns_of, tables
from pipelines.dedupe.keys import Records, starts_of_runs
from pipelines.dedupe.meetings import Flags

# Images up to which views are not cut, and of which parts are made beyond. Chosen: 300,000 images
# need some 0.5 GB of a worker and of Flink's heap.
WHOLE = 1 << 18
PART = 1 << 16
# A value of a sketch parts views by no more than a bit, since one of its cells holds half of them,
# and each one makes more views visit other parts. Chosen: what a TaskManager receives of 500,000
# views that are cut by two values is held by a heap of 560 MB, by four it is not.
_SPARED_VALUES = 2
# Tables that one worker looks in where they are whole: fewer send every sketch more often, more
# leave workers idle.
TABLES_PER_GROUP = 3

_HALF = np.uint64(32)  # of a code's bits

Group = tuple[int, int]  # the number of the first table, and of the part


@dataclass(frozen=True)
class Cut:
    """How the views of each table are cut.

    Args:
        num_images: of the run.
        num_parts: of a table.
        num_values: of a grid, which decide in what part a cell is.
    """

    num_images: int
    num_parts: int = 1
    num_values: int = 0

    @classmethod
    def of(cls, num_images: int) -> Self:
        """The cut that suits so many images; a part is much the same size for any number."""
        if num_images <= WHOLE:
            return cls(num_images)
        parts = -(-num_images // PART)
        return cls(num_images, parts, max(1, math.ceil(math.log2(parts)) - _SPARED_VALUES))

    def tables(self, group: Group, num_tables: int) -> list[list[Grid]]:
        """The grids of a group's tables."""
        together = TABLES_PER_GROUP if self.num_parts == 1 else 1
        return tables(min(together, num_tables - group[0]), group[0], self.num_images)

    def groups(self, views: Records, num_tables: int) -> Iterator[tuple[Group, Records]]:
        """The groups in which views are looked for, and those who go there.

        Args:
            views: `VIEW_DTYPE`, of a shard.
            num_tables: of the run.
        """
        if self.num_parts == 1:
            yield from (((first, 0), views) for first in range(0, num_tables, TABLES_PER_GROUP))
            return
        for table in range(num_tables):
            grid = self.tables((table, 0), num_tables)[0][0]
            probes = grid.coarsened(self.num_values).probes(columns_of(views["values"]))
            for part, rows in _rows_of_parts(self._parts(probes)):
                yield (table, part), views[rows]

    def lives(self, grid: Grid, views: Records, part: int) -> Flags:
        """Whether the own cell of each view is in a part."""
        if self.num_parts == 1:
            return np.ones(len(views), bool)
        codes = grid.coarsened(self.num_values).codes(columns_of(views["values"]))
        return np.asarray(self._parts(codes) == part)

    def _parts(self, codes: Codes) -> Ints:
        """The part of each cell; the high bits of a code are spread best."""
        return ((codes >> _HALF) * np.uint64(self.num_parts) >> _HALF).astype(np.int64)


def _rows_of_parts(parts: Ints) -> Iterator[tuple[int, Ints]]:
    """Each part that occurs in `(probes, views)`, and the views that have a probe there."""
    count = parts.shape[1]
    part, rows = np.divmod(np.unique(parts * count + np.arange(count)), max(1, count))
    starts = starts_of_runs(part)
    for start, mine in zip(starts.tolist(), np.split(rows, starts[1:]), strict=False):
        yield int(part[start]), mine
