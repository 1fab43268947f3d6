"""Grids over sketches: some of the values of a sketch, cut into cells.

Two copies of one image differ little in every value, so they share most cells; a wall between them
is crossed by probing the neighbours behind the nearest walls as well. The number of values grows
with the number of views, so that a cell holds as few of a billion as of a thousand.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.sameness.hashes import SKETCH_VALUES

Codes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Values = npt.NDArray[np.int8]  # (views, 24): sketches
Columns = npt.NDArray[np.uint8]  # (24, views): the values of sketches, one after another, as bytes

CELL = (
    8  # units of a sketch: one standard deviation of a value; crops move few values by half of it
)
LEVELS = 3
NEAREST = 4  # walls behind which is probed, and each pair of the three nearest
_PAIRS = ((0, 1), (0, 2), (1, 2))

# Values that copies change least, in the order of a sketch: grey, blue and red at their lowest
# frequencies. The others are used where a cell is crowded.
_STEADY = (0, 1, 2, 3, 4, 5, 12, 13, 15, 18, 19, 21, 6, 9, 14, 20)
_FINER = 10  # values that cut a crowded cell

# A wall is a byte: two bits of distance, four of which value, one of which side; nearest ones sort
# first, of equally near ones the first value.
_DISTANCE, _SIDES = 5, 1 << 5
_FARTHEST = np.uint8(255)
_BYTES = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64)  # what a byte stands for


@dataclass(frozen=True)
class Grid:
    """Cells over some values of a sketch.

    Args:
        values: which ones; 16 at most.
        shifts: where the cells start.
        factors: odd numbers that make a code of the cells.
    """

    values: npt.NDArray[np.int64]
    shifts: npt.NDArray[np.int64]
    factors: Codes

    @classmethod
    def seeded(cls, seed: int, choose_from: tuple[int, ...], count: int) -> Self:
        """A grid over `count` of the values, the same for the same arguments on every machine."""
        chance = np.random.Generator(np.random.Philox(seed))
        chosen = np.argsort(chance.integers(0, 1 << 62, len(choose_from)), kind="stable")[:count]
        return cls(
            values=np.array(choose_from)[chosen],
            shifts=chance.integers(0, CELL, count),
            factors=chance.integers(0, 1 << 63, count).astype(np.uint64) * np.uint64(2)
            + np.uint64(1),
        )

    def codes(self, columns: Columns) -> Codes:
        """The cell of each view, as 64 bits."""
        code = np.zeros(columns.shape[1], np.uint64)
        for value, of_byte in zip(self.values, self._codes, strict=True):
            code += of_byte[columns[value]]
        return code

    def probes(self, columns: Columns) -> Codes:
        """The cells behind the nearest walls of each view: `(probes, views)`, its own one first."""
        own = self.codes(columns)
        moves = [self._moves[wall % _SIDES] for wall in self._nearest_walls(columns)]
        pairs = [moves[a] + moves[b] for a, b in _PAIRS]
        return own + np.stack([np.zeros_like(own), *moves, *pairs])

    def coarsened(self, count: int) -> Self:
        """The same walls, of which those of the first `count` values alone part the views."""
        first = np.arange(len(self.factors)) < count
        return replace(self, factors=self.factors * first)

    def _nearest_walls(self, columns: Columns) -> list[Bytes]:
        nearest = [np.full(columns.shape[1], _FARTHEST) for _ in range(NEAREST)]
        for value, of_byte in zip(self.values, self._walls, strict=True):
            wall = of_byte[columns[value]]
            for place in range(NEAREST):  # the farther of the two goes on to the next place
                nearest[place], wall = (
                    np.minimum(nearest[place], wall),
                    np.maximum(nearest[place], wall),
                )
        return nearest

    @cached_property
    def _codes(self) -> Codes:
        """What each value adds to a code, by its byte: `(values, 256)`."""
        cells = (_BYTES + self.shifts[:, None]) // CELL
        return cells.astype(np.uint64) * self.factors[:, None]

    @cached_property
    def _walls(self) -> Bytes:
        """The nearest wall of each value, by its byte: `(values, 256)`."""
        inside = (_BYTES + self.shifts[:, None]) % CELL
        distance = np.minimum(inside, CELL - 1 - inside)
        number = np.arange(len(self.values))[:, None]
        wall = distance << _DISTANCE | number << 1 | (inside >= CELL // 2)
        return np.asarray(wall, np.uint8)

    @cached_property
    def _moves(self) -> Codes:
        """What crossing a wall adds to a code, by which wall it is."""
        moves = np.zeros(_SIDES, np.uint64)
        moves[: 2 * len(self.factors)] = np.stack([-self.factors, self.factors], axis=1).ravel()
        return moves


def columns_of(values: Values) -> Columns:
    """The values of sketches one after another, as a grid takes them."""
    return np.ascontiguousarray(values.T).view(np.uint8)


def tables(num_tables: int, first: int, num_images: int) -> list[list[Grid]]:
    """The grids of each table, coarse to fine.

    Args:
        num_tables: how many.
        first: number of the first one.
        num_images: of the run; decides how many values the first grid cuts.
    """
    count = int(np.clip(round(np.log2(max(num_images, 2))) - 9, 6, len(_STEADY) - 2))
    return [_table(table, count) for table in range(first, first + num_tables)]


def _table(number: int, count: int) -> list[Grid]:
    every = tuple(range(SKETCH_VALUES))
    finer = [Grid.seeded(1000 * level + number, every, _FINER) for level in range(1, LEVELS)]
    return [Grid.seeded(number, _STEADY, count), *finer]
