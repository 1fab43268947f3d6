"""Wiring shared by all stages; it holds as little logic as possible.

A stage that needs one shard at a time is `Shards | ProcessShards(work)`. One that groups rows of
many shards is `AllShards | … | WriteShards(task, schema)`, with its own grouping between; one that
gathers anything else about its shards is `AllShards | … | GatherShards(task, work)`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PBegin, PCollection

from pipelines.io.task import ShardReport, ShardResult, StageTask, Stopwatch, finish_shard
from pipelines.rejection import Rejection

Work = Callable[[StageTask, int], ShardResult]
GatheringWork = Callable[[StageTask, int, list[Any]], ShardResult]


@dataclass(eq=False)
class Shards(beam.PTransform[PBegin, PCollection[int]]):
    """The numbers of the pending shards, spread over the workers."""

    task: StageTask

    def expand(self, root: PBegin) -> PCollection[int]:
        numbers = root | "Pending" >> beam.Create(list(self.task.pending), reshuffle=False)
        return numbers | "Spread" >> beam.Reshuffle()


@dataclass(eq=False)
class AllShards(beam.PTransform[PBegin, PCollection[int]]):
    """The numbers of all shards: a pending shard may depend on rows of a finished one."""

    task: StageTask

    def expand(self, root: PBegin) -> PCollection[int]:
        numbers = root | "All" >> beam.Create(range(self.task.num_shards), reshuffle=False)
        return numbers | "Spread" >> beam.Reshuffle()


@dataclass(eq=False)
class ProcessShards(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard read, processed and written; one `ShardReport` per shard out.

    Args:
        task: the stage's work.
        work: a picklable pure function of the task and a shard number.
        dictionary_columns: Parquet columns to encode by dictionary.
    """

    task: StageTask
    work: Work
    dictionary_columns: list[str] | None = None

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        return numbers | "Process" >> beam.ParDo(
            _ProcessShardFn(self.task, self.work, self.dictionary_columns)
        )


@dataclass(eq=False)
class GatherShards(beam.PTransform[PCollection[tuple[int, Any]], PCollection[ShardReport]]):
    """`(shard, value)` in; every pending shard processed and written, even one without values.

    Args:
        task: the stage's work; values of shards that are not pending are ignored.
        work: a picklable pure function of the task, a shard number and the shard's values in any
            order; None does not count as a value.
    """

    task: StageTask
    work: GatheringWork

    def expand(self, values: PCollection[tuple[int, Any]]) -> PCollection[ShardReport]:
        seeds = values.pipeline | "Seeds" >> beam.Create([(i, None) for i in self.task.pending])
        pending = values | "OnlyPending" >> beam.Filter(_is_pending, frozenset(self.task.pending))
        return (
            (seeds, pending)
            | "WithEmptyShards" >> beam.Flatten()
            | "ByShard" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(_GatherShardFn(self.task, self.work))
        )


@dataclass(eq=False)
class WriteShards(beam.PTransform[PCollection[tuple[int, Any]], PCollection[ShardReport]]):
    """`(shard, row dict | Rejection)` in; every pending shard written, empty ones too.

    Args:
        task: the stage's work; rows of shards that are not pending are ignored.
        schema: of the rows.
    """

    task: StageTask
    schema: pa.Schema

    def expand(self, rows: PCollection[tuple[int, Any]]) -> PCollection[ShardReport]:
        return rows | "Gather" >> GatherShards(self.task, partial(_rows, schema=self.schema))


class _ProcessShardFn(beam.DoFn):
    def __init__(self, task: StageTask, work: Work, dictionary_columns: list[str] | None) -> None:
        self.task, self.work, self.dictionary_columns = task, work, dictionary_columns

    def process(self, index: int) -> Iterable[ShardReport]:
        stopwatch = Stopwatch()
        result = self.work(self.task, index)
        yield _count(
            self.task, finish_shard(self.task, index, result, stopwatch, self.dictionary_columns)
        )


class _GatherShardFn(beam.DoFn):
    def __init__(self, task: StageTask, work: GatheringWork) -> None:
        self.task, self.work = task, work

    def process(self, grouped: tuple[int, Iterable[Any]]) -> Iterable[ShardReport]:
        stopwatch = Stopwatch()
        index, values = grouped
        result = self.work(self.task, index, [value for value in values if value is not None])
        yield _count(self.task, finish_shard(self.task, index, result, stopwatch))


def _rows(_task: StageTask, _index: int, values: list[Any], schema: pa.Schema) -> ShardResult:
    kept = [row for row in values if not isinstance(row, Rejection)]
    rejected = [row for row in values if isinstance(row, Rejection)]
    return ShardResult(pa.Table.from_pylist(kept, schema=schema), rejected, rows_in=len(values))


def _is_pending(row: tuple[int, Any], pending: frozenset[int]) -> bool:
    return row[0] in pending


def _count(task: StageTask, report: ShardReport) -> ShardReport:
    Metrics.counter(task.stage, "rows_in").inc(report.rows_in)
    Metrics.counter(task.stage, "rows_out").inc(report.rows_out)
    for reason, count in report.reasons.items():
        Metrics.counter(task.stage, reason).inc(count)
    return report
