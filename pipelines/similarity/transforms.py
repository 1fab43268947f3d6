"""Wiring of the similarity stage; the logic is in `shard` and `best`.

Without a share that is kept:  shards -> filtered and written
With one:  shards -> scores, noted beside them -> counts of a digit -> the last row's digit, for
each digit in turn -> shards written
Counts are shuffled; scores never are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards, ProcessShards, Tasks
from pipelines.io.wanted import check_wanted
from pipelines.similarity.best import WIDTHS, Counts, Cutoff, advance, begin, merge
from pipelines.similarity.config import SimilarityConfig
from pipelines.similarity.shard import count_shard, filter_shard, note_shard, write_shard

LastRow = PCollection[Cutoff | None]  # of one element: what is known of it


@dataclass(eq=False)
class FilterScores(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard scored, filtered and written; one `ShardReport` a shard out.

    Args:
        tasks: the stage's work.
        config: scorer and least scores.
    """

    tasks: Tasks
    config: SimilarityConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        return numbers | "Filter" >> ProcessShards(
            self.tasks, partial(filter_shard, config=self.config)
        )


@dataclass(eq=False)
class KeepBest(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Numbers of all shards in; every pending shard written; one `ShardReport` a shard out.

    Args:
        tasks: the stage's work.
        config: scorer, least scores, and the share that is kept.
        share: of the rows with a score.
    """

    tasks: Tasks
    config: SimilarityConfig
    share: float

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        noted = numbers | "Score" >> beam.Map(_note, AsSingleton(self.tasks), self.config)
        nothing = self.tasks | "Nothing" >> beam.Map(_no_cutoff)
        last = noted | "Digit0" >> FindDigit(self.tasks, nothing, self.share)
        for place in range(1, len(WIDTHS)):
            last = noted | f"Digit{place}" >> FindDigit(self.tasks, last, self.share)
        told = noted | "Tell" >> beam.Map(_told, AsSingleton(last))
        return told | "Write" >> GatherShards(self.tasks, partial(write_shard, config=self.config))


@dataclass(eq=False)
class FindDigit(beam.PTransform[PCollection[int], LastRow]):
    """Numbers of all shards, which are noted, in; the last row's digits, one more of them, out.

    Args:
        tasks: the stage's work.
        last: what is known of the last row that is kept; None for nothing.
        share: of the rows with a score that is kept.
    """

    tasks: Tasks
    last: LastRow
    share: float

    def expand(self, noted: PCollection[int]) -> LastRow:
        last = AsSingleton(self.last)
        return (
            noted
            | "Count" >> beam.Map(_count, AsSingleton(self.tasks), last)
            | "OfAll" >> beam.CombineGlobally(_merge)
            | "Find" >> beam.Map(_advance, last, self.share)
        )


def _note(index: int, task: StageTask, config: SimilarityConfig) -> int:
    check_wanted(task)
    return note_shard(task, index, config)


def _no_cutoff(_task: StageTask) -> None:
    return None


def _count(index: int, task: StageTask, last: Cutoff | None) -> Counts:
    return count_shard(task, index, last)


def _merge(parts: Iterable[Counts]) -> Counts:
    return merge(list(parts))


def _advance(counts: Counts, last: Cutoff | None, share: float) -> Cutoff | None:
    return begin(counts, share) if last is None else advance(last, counts)


def _told(index: int, last: Cutoff | None) -> tuple[int, Cutoff | None]:
    return index, last
