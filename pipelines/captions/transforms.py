"""Wiring of the captions stage; the logic is in `filter` and `data`.

Without rules over all data:  shards -> FilterCaptions
With some:  shards -> CountCaptions -> FindFailing -> DropFailing
Hashes and counts are shuffled; captions never are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import AsDict, PCollection

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.answers import Asked, answers
from pipelines.captions.corpus.rules import DATA_RULES
from pipelines.captions.corpus.shard import count_shard, drop_shard
from pipelines.captions.corpus.tally import Tally, histogram, merge, split
from pipelines.captions.shard import filter_shard
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards, ProcessShards

Range = tuple[str, int]  # a rule and a range of hashes
Failing = tuple[int, tuple[str, Tally]]  # a shard, a rule, what fails there


@dataclass(eq=False)
class FilterCaptions(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard's captions judged and written; one `ShardReport` a shard out.

    Args:
        task: the stage's work.
        config: recipe and overrides.
    """

    task: StageTask
    config: CaptionsConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = partial(filter_shard, config=self.config)
        return numbers | "FilterShards" >> ProcessShards(self.task, work)


@dataclass(eq=False)
class CountCaptions(beam.PTransform[PCollection[int], PCollection[tuple[Range, Asked]]]):
    """Numbers of all shards in; the counts of each, in ranges of hashes, out.

    Args:
        task: the stage's work; as many ranges as shards, so that a range grows as a shard does.
        config: recipe and overrides.
    """

    task: StageTask
    config: CaptionsConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[tuple[Range, Asked]]:
        return numbers | "Count" >> beam.FlatMap(_count, self.task, self.config)


@dataclass(eq=False)
class FindFailing(beam.PTransform[PCollection[tuple[Range, Asked]], PCollection[Failing]]):
    """Counts of shards in; for each shard what fails there out.

    Args:
        limits: of the data rules, by name.
    """

    limits: Mapping[str, float]

    def expand(self, counts: PCollection[tuple[Range, Asked]]) -> PCollection[Failing]:
        ranges = counts | "ByRange" >> beam.GroupByKey()
        if not any(DATA_RULES[rule].is_ranked for rule in self.limits):
            return ranges | "Answer" >> beam.FlatMap(_answer, self.limits, {})
        histograms = (
            ranges
            | "Histograms" >> beam.FlatMap(_histogram)
            | "OfAllRanges" >> beam.CombinePerKey(_merge)
        )
        return ranges | "Answer" >> beam.FlatMap(_answer, self.limits, AsDict(histograms))


@dataclass(eq=False)
class DropFailing(beam.PTransform[PCollection[Failing], PCollection[ShardReport]]):
    """What fails in each shard in; every pending shard written; one `ShardReport` a shard out.

    Args:
        task: the stage's work.
        config: recipe and overrides.
    """

    task: StageTask
    config: CaptionsConfig

    def expand(self, failing: PCollection[Failing]) -> PCollection[ShardReport]:
        work = partial(drop_shard, config=self.config)
        return failing | "DropInShards" >> GatherShards(self.task, work)


def _count(index: int, task: StageTask, config: CaptionsConfig) -> Iterator[tuple[Range, Asked]]:
    for rule, tally in count_shard(task, index, config).items():
        for place, part in enumerate(split(tally, task.num_shards)):
            if len(part):
                yield (rule, place), (index, part)


def _histogram(group: tuple[Range, Iterable[Asked]]) -> Iterator[tuple[str, Tally]]:
    (rule, _), asked = group
    if DATA_RULES[rule].is_ranked:
        yield rule, histogram(merge([tally for _, tally in asked]))


def _merge(tallies: Iterable[Tally]) -> Tally:
    return merge(list(tallies))


def _answer(
    group: tuple[Range, Iterable[Asked]], limits: Mapping[str, float], of_all: dict[str, Tally]
) -> Iterator[Failing]:
    (rule, _), asked = group
    found = answers(asked, DATA_RULES[rule], limits[rule], of_all.get(rule, merge([])))
    for shard, failing in found:
        yield shard, (rule, failing)
