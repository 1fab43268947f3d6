"""Fetches again the images of rows that one finished shard has dropped; other rows stay."""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.fetch.config import FetchConfig
from pipelines.fetch.shard import fetch_rows
from pipelines.io import parquet
from pipelines.io.task import ShardResult, StageTask, rejection_table
from pipelines.records import CAPTIONS, FETCHED_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA
from pipelines.stage import Runtime


def retry_shard(task: StageTask, index: int, config: FetchConfig, runtime: Runtime) -> ShardResult:
    """The finished shard, in which the rows dropped for a reason that is `retried` are new.

    Raises:
        UnreadableShardError: the captions shard, or the finished one, is missing or corrupt.
    """
    kept = parquet.read_table(task.finished.part(index)).select(FETCHED_SCHEMA.names)
    dropped = parquet.read_table(task.finished.rejected(index)).select(REJECTION_SCHEMA.names)
    is_retried = pc.is_in(dropped["reason"], pa.array(task.retried, pa.string()))
    captions = parquet.read_table(task.input(CAPTIONS).part(index))
    wanted = pc.is_in(captions["key"], dropped["key"].filter(is_retried).combine_chunks())
    again = fetch_rows(captions.filter(wanted).to_pylist(), task, config, runtime)
    rejected = rejection_table(again.rejected)
    return ShardResult(
        kept=pa.concat_tables([kept, again.kept]),
        rejected=pa.concat_tables([dropped.filter(pc.invert(is_retried)), rejected]),
        rows_in=kept.num_rows + dropped.num_rows,
        passed_over=again.passed_over,
        warnings=again.warnings,
    )
