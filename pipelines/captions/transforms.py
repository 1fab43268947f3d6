"""Wiring of the captions stage; the logic is in `shard` and `corpus`.

Without rules over all data:  shards -> FilterCaptions
With some:  shards -> CountCaptions -> FindFailing -> DropFailing
Hashes and counts are shuffled; captions never are.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import AsDict, AsSingleton, PCollection

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.failing import ShardTally, failing_by_shard
from pipelines.captions.corpus.shard import count_shard, drop_shard
from pipelines.captions.corpus.tally import Tally, histogram, merge, split
from pipelines.captions.funnel import CorpusSteps
from pipelines.captions.shard import filter_shard
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards, ProcessShards, Tasks

Range = tuple[str, int]  # a rule and a range of hashes
Failing = tuple[int, tuple[str, Tally]]  # a shard, a rule, what fails there


@dataclass(eq=False)
class FilterCaptions(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard's captions filtered and written; one `ShardReport` a shard out.

    Args:
        tasks: the stage's work.
        config: recipe and overrides.
    """

    tasks: Tasks
    config: CaptionsConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = partial(filter_shard, config=self.config)
        return numbers | "FilterShards" >> ProcessShards(self.tasks, work)


@dataclass(eq=False)
class CountCaptions(beam.PTransform[PCollection[int], PCollection[tuple[Range, ShardTally]]]):
    """Numbers of all shards in; the counts of each, in ranges of hashes, out.

    Args:
        tasks: the stage's work; as many ranges as shards, so that a range grows as a shard does.
        config: recipe and overrides.
    """

    tasks: Tasks
    config: CaptionsConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[tuple[Range, ShardTally]]:
        return numbers | "Count" >> beam.FlatMap(_count, AsSingleton(self.tasks), self.config)


@dataclass(eq=False)
class FindFailing(beam.PTransform[PCollection[tuple[Range, ShardTally]], PCollection[Failing]]):
    """Counts of shards in; for each shard what fails there out.

    Args:
        steps: the rules over all data and their limits.
    """

    steps: CorpusSteps

    def expand(self, counts: PCollection[tuple[Range, ShardTally]]) -> PCollection[Failing]:
        ranges = counts | "ByRange" >> beam.GroupByKey()
        ranked = {rule.name for rule, _ in self.steps if rule.is_ranked}
        if not ranked:
            return ranges | "Fail" >> beam.FlatMap(_fail, self.steps, {})
        histograms = (
            ranges
            | "Histograms" >> beam.FlatMap(_histogram, ranked)
            | "OfAllRanges" >> beam.CombinePerKey(_merge)
        )
        return ranges | "Fail" >> beam.FlatMap(_fail, self.steps, AsDict(histograms))


@dataclass(eq=False)
class DropFailing(beam.PTransform[PCollection[Failing], PCollection[ShardReport]]):
    """What fails in each shard in; every pending shard written; one `ShardReport` a shard out.

    Args:
        tasks: the stage's work.
        config: recipe and overrides.
    """

    tasks: Tasks
    config: CaptionsConfig

    def expand(self, failing: PCollection[Failing]) -> PCollection[ShardReport]:
        work = partial(drop_shard, config=self.config)
        return failing | "DropInShards" >> GatherShards(self.tasks, work)


def _count(
    index: int, task: StageTask, config: CaptionsConfig
) -> Iterator[tuple[Range, ShardTally]]:
    for rule, tally in count_shard(task, index, config).items():
        for number, part in enumerate(split(tally, task.num_shards)):
            if len(part):
                yield (rule, number), (index, part)


def _histogram(
    group: tuple[Range, Iterable[ShardTally]], ranked: Set[str]
) -> Iterator[tuple[str, Tally]]:
    (rule, _), tallies = group
    if rule in ranked:
        yield rule, histogram(merge([tally for _, tally in tallies]))


def _merge(tallies: Iterable[Tally]) -> Tally:
    return merge(list(tallies))


def _fail(
    group: tuple[Range, Iterable[ShardTally]], steps: CorpusSteps, of_all: dict[str, Tally]
) -> Iterator[Failing]:
    (name, _), tallies = group
    rule, limit = next(step for step in steps if step[0].name == name)
    found = failing_by_shard(tallies, rule, limit, of_all.get(name, merge([])))
    for shard, failing in found:
        yield shard, (name, failing)
