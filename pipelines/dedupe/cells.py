"""Views in cells of cells: where each one stands, and which cell has a code.

The views of the first level are in one cell that holds all; those of each further level are in the
crowded cells of the level before, which its grid cuts again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.grids import Codes, Grid
from pipelines.dedupe.keys import order_by, starts_of_runs

Ints = npt.NDArray[np.int64]

CROWD = 64  # views in a cell from which on it is cut further; chosen by hand
_SPARE_BITS = 2  # slots for each cell, as bits: most codes that no cell has meet an empty slot
_LARGEST = np.uint64(2**64 - 1)  # of no cell: no number of an outer cell has ones alone
_LEAST_BITS = np.array([1 << bits for bits in range(63)])  # numbers that need one bit more


@dataclass(frozen=True)
class Cells:
    """The cells of one level.

    Args:
        grid: that cuts the outer cells.
        views: sorted by outer cell, then by code, then by number.
        codes: of each cell, `outer_bits` of them for the outer cell; sorted; then a larger one.
        starts: where the views of a cell start; one more than there are cells.
        outer_bits: see above.
        slots: where the cells start whose codes have equal first bits, or larger ones.
        first_slots: of each outer cell.
        shifts: of each outer cell: all but the first bits.
    """

    grid: Grid
    views: Ints
    codes: Codes
    starts: Ints
    outer_bits: np.uint64
    slots: Ints
    first_slots: Ints
    shifts: Codes

    @classmethod
    def of(cls, grid: Grid, views: Ints, codes: Codes, outer: Ints, num_outer: int) -> Self:
        """Cells of views.

        Args:
            grid: that made the codes.
            views: their numbers.
            codes: of each view.
            outer: number of each view's outer cell.
            num_outer: how many outer cells there are.
        """
        outer_bits = np.uint64(max(1, num_outer.bit_length()))
        joined = _join(outer, codes, outer_bits)
        order = order_by(joined)
        joined = joined[order]
        starts = starts_of_runs(joined)
        unique = joined[starts]
        outer = (unique >> (np.uint64(64) - outer_bits)).astype(np.int64)
        sizes = np.bincount(outer, minlength=num_outer)
        bits = np.searchsorted(_LEAST_BITS, sizes, "right") + _SPARE_BITS
        ends = np.cumsum(np.int64(1) << bits)
        first_slots, shifts = ends - (np.int64(1) << bits), (64 - bits).astype(np.uint64)
        slot = first_slots[outer] + ((unique << outer_bits) >> shifts[outer]).astype(np.int64)
        counts = np.bincount(slot, minlength=ends[-1])
        slots = np.cumsum(counts) - counts
        return cls(
            grid, views[order], np.append(unique, _LARGEST), np.append(starts, len(views)),
            outer_bits, slots, first_slots, shifts,
        )  # fmt: skip

    @property
    def sizes(self) -> Ints:
        """How many views each cell holds."""
        return np.diff(self.starts)

    def find(self, probes: Iterable[Codes], outer: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Of each probe, which codes are of a cell within their outer ones, and of which one.

        Args:
            probes: codes, `(n,)` each.
            outer: `(n,)` or `(1,)`, the same for all codes.
        """
        joined_outer = _join(outer, np.zeros(1, np.uint64), self.outer_bits)
        first_slots, shifts = self.first_slots[outer], self.shifts[outer]
        for codes in probes:
            place = self.slots[first_slots + (codes >> shifts).astype(np.int64)]
            joined = joined_outer | (codes >> self.outer_bits)
            yield self._from(place, joined)

    def _from(self, place: Ints, joined: Codes) -> tuple[Ints, Ints]:
        """Which codes stand at their places, or right behind smaller ones there; and where."""
        asked = np.arange(len(place))
        all_asked, found = [asked[:0]], [asked[:0]]
        while len(asked):
            there = self.codes[place]
            equal = np.flatnonzero(there == joined)
            all_asked.append(asked[equal])
            found.append(place[equal])
            behind = np.flatnonzero(there < joined)
            asked, place, joined = asked[behind], place[behind] + 1, joined[behind]
        return np.concatenate(all_asked), np.concatenate(found)


def _join(outer: Ints, codes: Codes, outer_bits: np.uint64) -> Codes:
    """The number of an outer cell, then the first bits of a code."""
    return (outer.astype(np.uint64) << (np.uint64(64) - outer_bits)) | (codes >> outer_bits)
