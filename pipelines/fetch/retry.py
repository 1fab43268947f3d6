"""Rows of one finished shard that were dropped are fetched again; other rows stay."""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import FETCHED_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA


def dropped_rows(captions: pa.Table, task: StageTask, index: int) -> pa.Table:
    """The captions of a shard whose rows were dropped for a reason that is `retried`.

    Raises:
        UnreadableShardError: the finished shard is missing or corrupt.
    """
    dropped = parquet.read_table(task.finished.rejected(index), ["key", "reason"])
    keys = dropped["key"].filter(_is_retried(dropped, task)).combine_chunks()
    return captions.filter(pc.is_in(captions["key"], keys))


def with_finished(again: ShardResult, task: StageTask, index: int) -> ShardResult:
    """The finished shard, in which the rows that were fetched again are new.

    Raises:
        UnreadableShardError: the finished shard is missing or corrupt.
    """
    kept = parquet.read_table(task.finished.part(index)).select(FETCHED_SCHEMA.names)
    dropped = parquet.read_table(task.finished.rejected(index)).select(REJECTION_SCHEMA.names)
    others = dropped.filter(pc.invert(_is_retried(dropped, task)))
    return ShardResult(
        kept=pa.concat_tables([kept, again.kept]),
        rejected=pa.concat_tables([others, rejection_table(again.rejected)]),
        rows_in=kept.num_rows + dropped.num_rows,
        passed_over=again.passed_over,
        warnings=again.warnings,
    )


def _is_retried(dropped: pa.Table, task: StageTask) -> pa.ChunkedArray:
    return pc.is_in(dropped["reason"], pa.array(task.retried, pa.string()))
