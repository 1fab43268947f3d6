"""The counts of one range of hashes, gathered from all shards -> what fails in each shard.

A shard receives only hashes that it counted itself and that fail: however large the data, no
worker holds more than its own range and its own shard.
"""

from collections.abc import Iterable

from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.corpus.shard_tallies import ShardTallies, join
from pipelines.captions.corpus.tally import Tally


def failing_by_shard(
    parts: Iterable[ShardTallies], rule: CorpusRule, limit: float, of_all: Tally
) -> ShardTallies:
    """The hashes that fail, in each shard that has them, with what was measured of them.

    Args:
        parts: the tallies of one range of hashes; any order, every shard once.
        rule: that the tallies are for.
        limit: the last value that passes.
        of_all: histogram of the counts of all ranges; used by a rule on ranks.
    """
    # Arrays of whole bundles, of a 256th of what each shard counts once: few elements.
    tallies = join(list(parts))
    total = tallies.total
    measured = Tally(total.hashes, rule.measure(total.numbers, of_all))
    failing = measured.where(~rule.passes(measured.numbers, limit))
    found = failing.find(tallies.hashes)
    fails = found >= 0
    return ShardTallies(tallies.shards[fails], tallies.hashes[fails], failing.numbers[found[fails]])
