"""The counts of one range of hashes, gathered from all shards -> what fails in each shard.

A shard receives only hashes that it counted itself and that fail: however large the data, no
worker holds more than its own range and its own shard.
"""

from collections.abc import Iterable, Iterator

from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.corpus.tally import Tally, merge

ShardTally = tuple[int, Tally]  # shard, its tally within the range


def failing_by_shard(
    tallies: Iterable[ShardTally], rule: CorpusRule, limit: float, of_all: Tally
) -> Iterator[ShardTally]:
    """For each shard in which something fails, the failing hashes with what was measured of them.

    Args:
        tallies: of one range of hashes; any order, every shard once.
        rule: that the tallies are for.
        limit: the last value that passes.
        of_all: histogram of the counts of all ranges; used by a rule on ranks.
    """
    parts = list(tallies)
    total = merge([tally for _, tally in parts])
    measured = Tally(total.hashes, rule.measure(total.numbers, of_all))
    failing = measured.where(~rule.passes(measured.numbers, limit))
    for shard, tally in parts:
        mine = failing.where(tally.find(failing.hashes) >= 0)
        if len(mine):
            yield shard, mine
