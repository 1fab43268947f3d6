"""How often each of very many things occurs, as two arrays: its hash and its count.

Tallies of parts of the data are merged in any order and any grouping to the same tally, so they
may come from any number of shards and workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Hashes, each with a whole number.

    Args:
        hashes: uint64 `[things]`, ascending, each once.
        numbers: int64 `[things]`.
    """

    hashes: Hashes
    numbers: Numbers

    @classmethod
    def of(cls, hashes: Hashes) -> Self:
        """How often each hash occurs in an array of any order."""
        found, counts = np.unique(hashes, return_counts=True)
        return cls(found, counts.astype(np.int64))

    def __len__(self) -> int:
        return len(self.hashes)

    def where(self, mask: npt.NDArray[np.bool_]) -> "Tally":
        """The things that a mask picks."""
        return Tally(self.hashes[mask], self.numbers[mask])

    def find(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        """The index of each hash in this tally, -1 where it is missing."""
        if not len(self):
            return np.full(len(hashes), -1, np.int64)
        indices = np.minimum(np.searchsorted(self.hashes, hashes), len(self) - 1)
        return np.where(self.hashes[indices] == hashes, indices, -1)


def merge(tallies: Sequence[Tally]) -> Tally:
    """Add up tallies; of none, an empty one."""
    if not tallies:
        return Tally(np.empty(0, np.uint64), np.empty(0, np.int64))
    hashes = np.concatenate([tally.hashes for tally in tallies])
    numbers = np.concatenate([tally.numbers for tally in tallies])
    order = np.argsort(hashes, kind="stable")
    hashes, numbers = hashes[order], numbers[order]
    is_first = np.ones(len(hashes), np.bool_)
    is_first[1:] = hashes[1:] != hashes[:-1]
    starts = np.flatnonzero(is_first)
    totals = np.add.reduceat(numbers, starts) if len(starts) else numbers
    return Tally(hashes[starts], totals)


def histogram(tally: Tally) -> Tally:
    """How many things have each number; histograms of the parts of a tally merge to its own."""
    return Tally.of(tally.numbers.astype(np.uint64))


def ranks(numbers: Numbers, of_all: Tally) -> Numbers:
    """How many things of all data are at least as frequent as each of these.

    Things of one count share a rank, that of the last of them: a limit on ranks takes or leaves
    them together, so that no order of the data decides among them.

    Args:
        numbers: counts.
        of_all: the histogram of the counts of all data.
    """
    rarer = np.concatenate([np.zeros(1, np.int64), np.cumsum(of_all.numbers)])
    below = np.searchsorted(of_all.hashes, numbers.astype(np.uint64))
    at_least: Numbers = rarer[-1] - rarer[below]
    return at_least
