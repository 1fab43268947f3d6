"""Tallies of many shards as three arrays, cut into ranges of hashes.

What crosses a shuffle is an array for many shards, so that neither messages nor objects are as many
as shards times ranges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.captions.corpus.tally import Hashes, Numbers, Tally, merge

NUM_RANGES = (
    256  # of all hashes, whatever the number of shards; chosen: a billion things make 64 MB
)

ShardTally = tuple[int, Tally]


@dataclass(frozen=True, eq=False)
class ShardTallies:
    """The tallies of some shards.

    Args:
        shards: int64 `[things]`.
        hashes: uint64 `[things]`, ascending, each once a shard.
        numbers: int64 `[things]`.
    """

    shards: Numbers
    hashes: Hashes
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def total(self) -> Tally:
        """What the shards count together."""
        return merge([Tally(self.hashes, self.numbers)])


def pack(tallies: Sequence[ShardTally]) -> ShardTallies:
    """The tallies of different shards as one value."""
    shards = [np.full(len(tally), shard, np.int64) for shard, tally in tallies]
    hashes = [tally.hashes for _, tally in tallies]
    return _in_order(shards, hashes, [tally.numbers for _, tally in tallies])


def join(parts: Sequence[ShardTallies]) -> ShardTallies:
    """The tallies of different shards that were packed apart."""
    shards, hashes = [part.shards for part in parts], [part.hashes for part in parts]
    return _in_order(shards, hashes, [part.numbers for part in parts])


def unpack(tallies: ShardTallies) -> Iterator[ShardTally]:
    """The tally of each shard that has one, by number of the shard."""
    order = np.argsort(tallies.shards, kind="stable")  # hashes stay ascending within a shard
    shards = tallies.shards[order]
    starts = np.flatnonzero(np.diff(shards, prepend=-1))
    for rows in np.split(order, starts[1:]):
        if len(rows):
            yield int(tallies.shards[rows[0]]), Tally(tallies.hashes[rows], tallies.numbers[rows])


def split(tallies: ShardTallies, num_ranges: int) -> Iterator[tuple[int, ShardTallies]]:
    """The ranges of hashes, of equal width, that hold something, by number.

    Equal hashes are in one range wherever they were counted.
    """
    firsts = [-(-(number << 64) // num_ranges) for number in range(1, num_ranges)]  # rounded up
    bounds = np.searchsorted(tallies.hashes, np.array(firsts, np.uint64)).tolist()
    lows, highs = [0, *bounds], [*bounds, len(tallies)]
    for number, (low, high) in enumerate(zip(lows, highs, strict=True)):
        if low < high:
            cut = slice(low, high)
            yield (
                number,
                ShardTallies(tallies.shards[cut], tallies.hashes[cut], tallies.numbers[cut]),
            )


def _in_order(
    shards: Sequence[Numbers], hashes: Sequence[Hashes], numbers: Sequence[Numbers]
) -> ShardTallies:
    if not hashes:
        return ShardTallies(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.int64))
    together = np.concatenate(hashes)
    order = np.argsort(together, kind="stable")
    return ShardTallies(
        np.concatenate(shards)[order], together[order], np.concatenate(numbers)[order]
    )
