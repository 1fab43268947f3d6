"""Rows of one finished shard that were dropped are fetched again; other rows stay."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.io import parquet
from pipelines.io.batches import merged
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.records import FETCHED_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA

_NO_ROWS = FETCHED_SCHEMA.empty_table()


def dropped_keys(task: StageTask, index: int) -> pa.Array:
    """The keys of a shard whose rows were dropped for a reason that is `retried`.

    Raises:
        UnreadableShardError: the finished shard is missing or corrupt.
    """
    dropped = parquet.read_table(task.finished.rejected(index), ["key", "reason"])
    return dropped["key"].filter(_is_retried(dropped, task)).combine_chunks()


def with_finished(again: BatchedResult, task: StageTask, index: int) -> BatchedResult:
    """The finished shard, in which the rows that were fetched again are new.

    Raises:
        UnreadableShardError: the finished shard is missing or corrupt; by the batches.
    """
    return BatchedResult(FETCHED_SCHEMA, _batches(again, task, index))


def _batches(again: BatchedResult, task: StageTask, index: int) -> Iterator[ShardResult]:
    dropped = parquet.read_table(task.finished.rejected(index)).select(REJECTION_SCHEMA.names)
    others = dropped.filter(pc.invert(_is_retried(dropped, task)))
    # The rows that are fetched again are among those dropped, so they are not counted once more.
    yield ShardResult(_NO_ROWS, others, rows_in=dropped.num_rows)
    counted: list[ShardResult] = []

    def before() -> Iterator[pa.Table]:
        url = task.finished.part(index)
        for table in parquet.read_row_groups(url, FETCHED_SCHEMA.names):
            counted.append(ShardResult(_NO_ROWS, [], rows_in=table.num_rows))
            yield table

    def fetched() -> Iterator[pa.Table]:
        for batch in again.batches:
            counted.append(replace(batch, kept=_NO_ROWS, rows_in=0))
            yield batch.kept

    for table in merged(before(), fetched()):
        yield ShardResult(table, [], rows_in=0)
    yield from counted


def _is_retried(dropped: pa.Table, task: StageTask) -> pa.ChunkedArray:
    return pc.is_in(dropped["reason"], pa.array(task.retried, pa.string()))
