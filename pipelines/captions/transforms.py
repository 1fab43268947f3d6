"""Wiring of the captions stage; the logic is in `shard` and `corpus`.

Without rules over all data:  shards -> FilterCaptions
With some:  shards -> CountCaptions -> FindFailing -> DropFailing
Hashes and counts are shuffled; captions never are.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsDict, AsSingleton, PCollection
from apache_beam.transforms.window import GlobalWindows

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.failing import failing_by_shard
from pipelines.captions.corpus.shard import count_shard, drop_shard
from pipelines.captions.corpus.shard_tallies import (
    NUM_RANGES,
    ShardTallies,
    join,
    pack,
    split,
    unpack,
)
from pipelines.captions.corpus.tally import Tally, histogram, merge
from pipelines.captions.funnel import CorpusSteps
from pipelines.captions.shard import filter_shard
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards, ProcessShards, Tasks

MAX_HELD = 1 << 20  # things held by a bundle until they are sent; chosen: 24 MB

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
class CountCaptions(beam.PTransform[PCollection[int], PCollection[tuple[Range, ShardTallies]]]):
    """Numbers of all shards in; their counts, in a fixed number of ranges of hashes, out.

    Args:
        tasks: the stage's work.
        config: recipe and overrides.
    """

    tasks: Tasks
    config: CaptionsConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[tuple[Range, ShardTallies]]:
        count = beam.ParDo(_CountFn(self.config), AsSingleton(self.tasks))
        return numbers | "Count" >> count


@dataclass(eq=False)
class FindFailing(beam.PTransform[PCollection[tuple[Range, ShardTallies]], PCollection[Failing]]):
    """Counts of shards in; for each shard what fails there out.

    Args:
        steps: the rules over all data and their limits.
    """

    steps: CorpusSteps

    def expand(self, counts: PCollection[tuple[Range, ShardTallies]]) -> PCollection[Failing]:
        ranges = counts | "ByRange" >> beam.GroupByKey()
        ranked = {rule.name for rule, _ in self.steps if rule.is_ranked}
        if not ranked:
            return ranges | "Fail" >> beam.ParDo(_FailFn(self.steps), {})
        histograms = (
            ranges
            | "Histograms" >> beam.FlatMap(_histogram, ranked)
            | "OfAllRanges" >> beam.CombinePerKey(_merge)
        )
        return ranges | "Fail" >> beam.ParDo(_FailFn(self.steps), AsDict(histograms))


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


class _HoldingFn(beam.DoFn):
    """Holds tallies of a bundle by rule, and lets go of them all together: few large messages."""

    def start_bundle(self) -> None:
        self._held: dict[str, list[ShardTallies]] = {}
        self._things = 0

    def finish_bundle(self) -> Iterator[Any]:
        yield from map(GlobalWindows.windowed_value, self._let_go())

    def _hold(self, rule: str, tallies: ShardTallies) -> Iterator[Any]:
        self._held.setdefault(rule, []).append(tallies)
        self._things += len(tallies)
        if self._things > MAX_HELD:
            yield from self._let_go()

    def _let_go(self) -> Iterator[Any]:
        for rule, held in self._held.items():
            yield from self._messages(rule, join(held))
        self.start_bundle()

    def _messages(self, rule: str, tallies: ShardTallies) -> Iterator[Any]:
        raise NotImplementedError


class _CountFn(_HoldingFn):
    def __init__(self, config: CaptionsConfig) -> None:
        self.config = config

    def process(self, index: int, task: StageTask) -> Iterator[tuple[Range, ShardTallies]]:
        for rule, tally in count_shard(task, index, self.config).items():
            yield from self._hold(rule, pack([(index, tally)]))

    def _messages(self, rule: str, tallies: ShardTallies) -> Iterator[tuple[Range, ShardTallies]]:
        for number, part in split(tallies, NUM_RANGES):
            yield (rule, number), part


class _FailFn(_HoldingFn):
    def __init__(self, steps: CorpusSteps) -> None:
        self.steps = {rule.name: (rule, limit) for rule, limit in steps}

    def process(
        self, group: tuple[Range, Iterable[ShardTallies]], of_all: dict[str, Tally]
    ) -> Iterator[Failing]:
        (name, _), parts = group
        rule, limit = self.steps[name]
        found = failing_by_shard(parts, rule, limit, of_all.get(name, merge([])))
        yield from self._hold(name, found)

    def _messages(self, rule: str, tallies: ShardTallies) -> Iterator[Failing]:
        for shard, failing in unpack(tallies):
            yield shard, (rule, failing)


def _histogram(
    group: tuple[Range, Iterable[ShardTallies]], ranked: Set[str]
) -> Iterator[tuple[str, Tally]]:
    (rule, _), parts = group
    if rule in ranked:
        yield rule, histogram(join(list(parts)).total)


def _merge(tallies: Iterable[Tally]) -> Tally:
    return merge(list(tallies))
