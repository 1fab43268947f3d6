"""The order of rows in training: a function of a seed and a position, of which nothing is kept.

Epochs follow each other in one endless sequence, and a position in it is all there is to save. Who
reads a position is arithmetic alone, so the sequence is the same for any number of ranks.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from dalle_model.data.permutation import Integers, key_of, keys_of, permute

# Chosen: of the paper's 1,024 tokens a group, the least that is decoded, takes 9 MB; a batch of any
# size has rows of so many groups, each from another place of another shard.
WINDOW = 16


class Order(Protocol):
    """A sequence without end in which each epoch has every row once."""

    @property
    def num_rows(self) -> int:
        """Rows of an epoch."""
        ...

    def rows_of(self, epoch: int, offsets: Integers) -> Integers:
        """Rows at some places of an epoch, all of them int64 in `[0, num_rows)`."""
        ...


class Place(NamedTuple):
    """Where positions of the sequence lie: int64 arrays of one shape."""

    epochs: Integers
    rows: Integers


def places(order: Order, positions: npt.ArrayLike) -> Place:
    """The epoch and the row of each position of the endless sequence, int64."""
    positions_ = np.asarray(positions, np.int64)
    epochs, offsets = np.divmod(positions_, order.num_rows)
    rows = np.empty_like(positions_)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        rows[here] = order.rows_of(int(epoch), offsets[here])
    return Place(epochs, rows)


def share(position: int, batch: int, rank: int, ranks: int) -> range:
    """The positions of one rank in a batch of all ranks, which need not divide it.

    Args:
        position: of the batch's first row.
        batch: rows of it, over all ranks.
        rank: from 0.
        ranks: how many there are.
    """
    start, stop = (position + batch * r // ranks for r in (rank, rank + 1))
    return range(start, stop)


@dataclass(frozen=True)
class StoredOrder:
    """Rows as they are stored, the same in every epoch: to look at all of them once."""

    num_rows: int

    def rows_of(self, epoch: int, offsets: Integers) -> Integers:
        del epoch
        return offsets


@dataclass(frozen=True)
class FullOrder:
    """Every epoch a shuffle of all rows, for what reads any row as fast as any other.

    Args:
        num_rows: of an epoch.
        seed: of the shuffles.
    """

    num_rows: int
    seed: int = 0

    def rows_of(self, epoch: int, offsets: Integers) -> Integers:
        return permute(offsets, self.num_rows, key_of("full", self.seed, epoch))


class WindowOrder:
    """Row groups in shuffled order, and rows shuffled within a window that slides over them.

    A group's rows, shuffled, are cut into as many slices as the window has groups. Round by round
    the window goes on by a group, and a round is a shuffle of one slice of each group in it. So
    only the groups of a window are read at any time, each for as many rounds, and a batch of any
    size has rows of all of them. The window goes round at the end of an epoch.

    Args:
        group_rows: rows of each row group, in the order they are stored; int64 `(groups,)`.
        seed: of the shuffles.
        window: row groups that are mixed.
    """

    def __init__(self, group_rows: npt.ArrayLike, seed: int = 0, window: int = WINDOW) -> None:
        self._group_rows = np.asarray(group_rows, np.int64)
        self._starts = np.cumsum(self._group_rows) - self._group_rows
        self._seed, self.window = seed, window
        self._epochs: dict[int, _Rounds] = {}

    @property
    def num_rows(self) -> int:
        return int(self._group_rows.sum())

    def rows_of(self, epoch: int, offsets: Integers) -> Integers:
        rounds = self._rounds(epoch)
        number = np.searchsorted(rounds.ends, offsets, "right")
        size = rounds.sizes[number]
        keys = keys_of(key_of("round", self._seed, epoch), number)
        drawn = permute(offsets - rounds.ends[number] + size, size, keys)
        groups, firsts, lasts = self._slices(rounds.groups, number)
        ends = np.cumsum(lasts - firsts, axis=1)
        chosen = np.arange(len(number)), np.argmax(drawn[:, None] < ends, axis=1)
        place, group = drawn - ends[chosen] + lasts[chosen], groups[chosen]
        keys = keys_of(key_of("rows", self._seed, epoch), group)
        return np.asarray(self._starts[group] + permute(place, self._group_rows[group], keys))

    def _slices(self, groups: Integers, rounds: Integers) -> tuple[Integers, Integers, Integers]:
        """The groups of some rounds, and which of their rows: int64 `(rounds, window)`, thrice."""
        turns = np.arange(self.window)
        in_round = groups[(rounds[:, None] - turns) % len(groups)]
        rows = self._group_rows[in_round]
        return in_round, rows * turns // self.window, rows * (turns + 1) // self.window

    def _rounds(self, epoch: int) -> "_Rounds":
        """The rounds of an epoch; those of the last two are kept, as a batch may end in another."""
        found = self._epochs.get(epoch)
        if found is None:
            numbers = np.arange(len(self._group_rows))
            groups = permute(numbers, len(numbers), key_of("groups", self._seed, epoch))
            _, firsts, lasts = self._slices(groups, numbers)
            sizes = (lasts - firsts).sum(axis=1)
            found = _Rounds(groups, sizes, np.cumsum(sizes))
            self._epochs = dict([*list(self._epochs.items())[-1:], (epoch, found)])
        return found


class _Rounds(NamedTuple):
    """An epoch: 24 bytes for each row group.

    Args:
        groups: in their order; int64, as the others.
        sizes: rows of each round.
        ends: where each round ends in the epoch.
    """

    groups: Integers
    sizes: Integers
    ends: Integers
