"""Grids over sketches: images in one cell, or on both sides of its nearest walls, are compared.

Each table cuts some of the values of a sketch into cells. Two copies of one image differ little in
every value, so they share most cells; a wall between them is crossed by probing the neighbours
behind the nearest walls as well. The number of values grows with the number of views, so that a
cell holds as few of a billion as of a thousand. What still lies in a crowded cell is cut further.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.views import NUM_VALUES

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint64]
Values = npt.NDArray[np.int16]  # (views, 24)

CELL = (
    8  # units of a sketch: one standard deviation of a value; crops move few values by half of it
)
CROWD = 64  # views in a cell from which on it is cut further; chosen by hand
LEVELS = 3
NEAREST = 4  # walls behind which is probed, and each pair of the three nearest
_PAIRS = ((0, 1), (0, 2), (1, 2))

# Values that copies change least, in the order of a sketch: grey, blue and red at their lowest
# frequencies. The others are used where a cell is crowded.
_STEADY = (0, 1, 2, 3, 4, 5, 12, 13, 15, 18, 19, 21, 6, 9, 14, 20)
_FINER = 10  # values that cut a crowded cell
CHUNK_PAIRS = 1 << 21


@dataclass(frozen=True)
class Grid:
    """Cells over some values of a sketch.

    Args:
        values: which ones.
        shifts: where the cells start.
        factors: odd numbers that make a code of the cells.
    """

    values: Ints
    shifts: npt.NDArray[np.int16]
    factors: Codes

    @classmethod
    def seeded(cls, seed: int, choose_from: tuple[int, ...], count: int) -> Self:
        """A grid over `count` of the values, the same for the same arguments on every machine."""
        chance = np.random.Generator(np.random.Philox(seed))
        chosen = np.argsort(chance.integers(0, 1 << 62, len(choose_from)), kind="stable")[:count]
        return cls(
            values=np.array(choose_from)[chosen],
            shifts=chance.integers(0, CELL, count).astype(np.int16),
            factors=chance.integers(0, 1 << 63, count).astype(np.uint64) * np.uint64(2)
            + np.uint64(1),
        )

    def codes(self, values: Values, before: Codes) -> Codes:
        """The cell of each view, as 64 bits, within what the grids before have made of it."""
        cells = (values[:, self.values] + self.shifts) // CELL
        code = before * np.uint64(0x9E3779B97F4A7C15)
        for column, factor in enumerate(self.factors):
            code = code + cells[:, column].astype(np.uint64) * factor
        return code

    def probes(self, codes: Codes, values: Values) -> Codes:
        """The cells behind the nearest walls of each view: `(probes, views)`, its own one first."""
        inside = (values[:, self.values] + self.shifts) % CELL
        gap = np.minimum(inside, CELL - 1 - inside).astype(np.int8)
        steps = np.where(inside < CELL // 2, -self.factors, self.factors)
        count = min(NEAREST, gap.shape[1])
        nearest = np.argsort(gap, axis=1, kind="stable")[:, :count]
        moves = np.take_along_axis(steps, nearest, axis=1).T
        pairs = [moves[a] + moves[b] for a, b in _PAIRS if b < count]
        return np.asarray(codes + np.stack([np.zeros_like(codes), *moves, *pairs]))


@dataclass(frozen=True)
class Directory:
    """Views by their codes.

    Args:
        views: sorted by code, then by number.
        codes: each code once, sorted.
        starts: where the views of a code start; one more than there are codes.
        slots: where the codes with equal first bits start.
        shift: the other bits.
    """

    views: Ints
    codes: Codes
    starts: Ints
    slots: Ints
    shift: np.uint64

    @classmethod
    def of(cls, views: Ints, codes: Codes) -> Self:
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        starts = np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1])
        unique = ordered[starts]
        bits = max(1, len(unique).bit_length())
        shift = np.uint64(64 - bits)
        counts = np.bincount((unique >> shift).astype(np.int64), minlength=1 << bits)
        slots = np.concatenate([[0], np.cumsum(counts)])
        return cls(views[order], unique, np.append(starts, len(views)), slots, shift)

    def find(self, codes: Codes) -> Ints:
        """The number of each code; -1 where no view has it."""
        slot = (codes >> self.shift).astype(np.int64)
        place, end = self.slots[slot], self.slots[slot + 1]
        found = np.full(len(codes), -1)
        looking = np.flatnonzero(place < end)
        while len(looking):
            equal = self.codes[place[looking]] == codes[looking]
            found[looking[equal]] = place[looking[equal]]
            looking = looking[~equal]
            place[looking] += 1
            looking = looking[place[looking] < end[looking]]
        return found


def tables(num_tables: int, first: int, num_views: int) -> list[list[Grid]]:
    """The grids of each table, coarse to fine.

    Args:
        num_tables: how many.
        first: number of the first one.
        num_views: of all images; decides how many values the first grid cuts.
    """
    count = int(np.clip(round(np.log2(max(num_views, 2))) - 9, 6, len(_STEADY) - 2))
    return [_table(table, count) for table in range(first, first + num_tables)]


def _table(number: int, count: int) -> list[Grid]:
    every = tuple(range(NUM_VALUES))
    finer = [Grid.seeded(1000 * level + number, every, _FINER) for level in range(1, LEVELS)]
    return [Grid.seeded(number, _STEADY, count), *finer]


def meetings(values: Values, grids: list[Grid]) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of views that meet in a table, as two columns, some of them more than once.

    Args:
        values: of views, the best-ranked one first: where the last grid leaves a cell crowded,
            each view of it meets the `CROWD` first ones.
        grids: of the table.
    """
    owners = np.arange(len(values))
    owner_seeds = np.zeros(len(values), np.uint64)
    probers, prober_seeds = owners, owner_seeds
    for level, grid in enumerate(grids):
        own = grid.codes(values[owners], owner_seeds)
        directory = Directory.of(owners, own)
        asked = grid.codes(values[probers], prober_seeds)
        probes = grid.probes(asked, values[probers])
        later_probers, later_seeds = [], []
        for number, codes in enumerate(probes):
            run = directory.find(codes)
            hit = np.flatnonzero(run >= 0)
            sizes = directory.starts[run[hit] + 1] - directory.starts[run[hit]]
            if level == 0 and number == 0:  # a view alone in its own cell has met itself
                hit, sizes = hit[sizes > 1], sizes[sizes > 1]
            if level < len(grids) - 1:
                crowded = sizes > CROWD
                later_probers.append(probers[hit[crowded]])
                later_seeds.append(codes[hit[crowded]])
                hit, sizes = hit[~crowded], sizes[~crowded]
            yield from _expand(
                probers[hit], directory, directory.starts[run[hit]], sizes.clip(max=CROWD)
            )
        run_sizes = np.diff(directory.starts)
        crowded_views = np.repeat(run_sizes > CROWD, run_sizes)
        owners = directory.views[crowded_views]
        owner_seeds = np.repeat(directory.codes, run_sizes)[crowded_views]
        if not len(owners):
            break
        probers, prober_seeds = (
            np.concatenate(later_probers or [owners]),
            np.concatenate(later_seeds or [owner_seeds]),
        )


def _expand(
    probers: Ints, directory: Directory, starts: Ints, sizes: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Each prober with each view of the run that it found, a bounded number at a time."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + CHUNK_PAIRS, "right")))
        part = sizes[begin:end]
        total = int(part.sum())
        offsets = np.arange(total) - np.repeat(np.cumsum(part) - part, part)
        found = directory.views[np.repeat(starts[begin:end], part) + offsets]
        yield np.repeat(probers[begin:end], part), found
        begin = end
