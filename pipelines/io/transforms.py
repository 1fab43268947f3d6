"""Wiring shared by all stages; it holds as little logic as possible.

A stage that needs one shard at a time is `Shards | ProcessShards(tasks, work)`. One that gathers
something of many shards is `AllShards | … | GatherShards(tasks, work)`, with its grouping between.

The task of a stage is a collection of one element, and reaches the work as a side input: where
several stages are one job, it is known only when the stage before has finished.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import AsSingleton, PCollection

from pipelines.io.finish import finish_shard
from pipelines.io.task import Result, ShardReport, StageTask, Stopwatch
from pipelines.io.wanted import check_wanted

Work = Callable[[StageTask, int], Result]
GatheringWork = Callable[[StageTask, int, Iterable[Any]], Result]


Tasks = PCollection[StageTask]  # of one element


@dataclass(eq=False)
class Shards(beam.PTransform[Tasks, PCollection[int]]):
    """The task of a stage in; the numbers of its pending shards, spread over the workers, out."""

    def expand(self, tasks: Tasks) -> PCollection[int]:
        return tasks | "Pending" >> beam.FlatMap(_pending) | "Spread" >> beam.Reshuffle()


@dataclass(eq=False)
class AllShards(beam.PTransform[Tasks, PCollection[int]]):
    """The same with all shards: a pending shard may depend on rows of a finished one.

    None where no shard is pending.
    """

    def expand(self, tasks: Tasks) -> PCollection[int]:
        return tasks | "All" >> beam.FlatMap(_all) | "Spread" >> beam.Reshuffle()


@dataclass(eq=False)
class ProcessShards(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard read, processed and written; one `ShardReport` per shard out.

    Args:
        tasks: the stage's work.
        work: a picklable pure function of the task and a shard number.
    """

    tasks: Tasks
    work: Work

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        process = beam.ParDo(_ProcessShardFn(self.work), AsSingleton(self.tasks))
        return numbers | "Process" >> process


@dataclass(eq=False)
class GatherShards(beam.PTransform[PCollection[tuple[int, Any]], PCollection[ShardReport]]):
    """`(shard, value)` in; every pending shard processed and written, even one without values.

    Args:
        tasks: the stage's work; values of shards that are not pending are ignored.
        work: a picklable pure function of the task, a shard number and the shard's values, in any
            order and to be gone through once: a runner may bring them piece by piece, and no list
            of them is made. None does not count as a value.
    """

    tasks: Tasks
    work: GatheringWork

    def expand(self, values: PCollection[tuple[int, Any]]) -> PCollection[ShardReport]:
        task = AsSingleton(self.tasks)
        seeds = self.tasks | "Seeds" >> beam.FlatMap(_seeds)
        pending = values | "OnlyPending" >> beam.ParDo(_OnlyPendingFn(), task)
        return (
            (seeds, pending)
            | "WithEmptyShards" >> beam.Flatten()
            | "ByShard" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(_GatherShardFn(self.work), task)
        )


class _ProcessShardFn(beam.DoFn):
    def __init__(self, work: Work) -> None:
        self.work = work

    def process(self, index: int, task: StageTask) -> Iterable[ShardReport]:
        check_wanted(task)
        stopwatch = Stopwatch()
        result = self.work(task, index)
        yield _count(task, finish_shard(task, index, result, stopwatch))


class _OnlyPendingFn(beam.DoFn):
    def __init__(self) -> None:
        self.task: StageTask | None = None
        self.pending: frozenset[int] = frozenset()

    def process(self, row: tuple[int, Any], task: StageTask) -> Iterable[tuple[int, Any]]:
        if task is not self.task:  # as it is for all rows of a bundle
            self.task, self.pending = task, frozenset(task.pending)
        if row[0] in self.pending:
            yield row


class _GatherShardFn(beam.DoFn):
    def __init__(self, work: GatheringWork) -> None:
        self.work = work

    def process(self, grouped: tuple[int, Iterable[Any]], task: StageTask) -> Iterable[ShardReport]:
        check_wanted(task)
        stopwatch = Stopwatch()
        index, values = grouped
        result = self.work(task, index, (value for value in values if value is not None))
        yield _count(task, finish_shard(task, index, result, stopwatch))


def _pending(task: StageTask) -> Iterable[int]:
    return task.pending


def _all(task: StageTask) -> Iterable[int]:
    return range(task.num_shards) if task.pending else ()


def _seeds(task: StageTask) -> Iterable[tuple[int, Any]]:
    return ((index, None) for index in task.pending)


def _count(task: StageTask, report: ShardReport) -> ShardReport:
    Metrics.counter(task.stage, "rows_in").inc(report.rows_in)
    Metrics.counter(task.stage, "rows_out").inc(report.rows_out)
    for reason, count in report.reasons.items():
        Metrics.counter(task.stage, reason).inc(count)
    return report
