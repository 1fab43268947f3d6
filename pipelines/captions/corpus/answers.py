"""One range of hashes, brought together from all shards -> what each shard is to drop.

An answer goes only to the shards that asked, and names only hashes that fail: however large the
data, no worker holds more than its own range and its own shard.
"""

from collections.abc import Iterable, Iterator

from pipelines.captions.corpus.rules import DataRule
from pipelines.captions.corpus.tally import Tally, merge

Asked = tuple[int, Tally]  # shard, its tally within the range


def answers(
    asked: Iterable[Asked], rule: DataRule, limit: float, of_all: Tally
) -> Iterator[tuple[int, Tally]]:
    """For each shard that asked, its failing hashes with what was measured of them.

    Args:
        asked: of one range of hashes; any order, every shard once.
        rule: that the tallies are for.
        limit: the last value that passes.
        of_all: histogram of the counts of all ranges; looked at for a rule on ranks.
    """
    parts = list(asked)
    total = merge([tally for _, tally in parts])
    measured = Tally(total.hashes, rule.measure(total.numbers, of_all))
    failing = measured.where(~rule.passes(measured.numbers, limit))
    for shard, tally in parts:
        mine = failing.where(tally.find(failing.hashes) >= 0)
        if len(mine):
            yield shard, mine
