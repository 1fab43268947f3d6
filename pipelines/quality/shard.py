"""One shard of images: scored, and judged by what the scores say."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.io.batches import RowBatch
from pipelines.io.parquet import rows_of
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.quality.config import ScoresConfig, schema
from pipelines.quality.judge import Judge, shared_judge
from pipelines.quality.scorer import Values
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import Check, reject

_READ = [*SELECTION_SCHEMA.names, "image", "width", "height", "sha256"]


def score_shard(task: StageTask, index: int, config: ScoresConfig) -> BatchedResult:
    """Score the survivors of a shard; an image with several captions is looked at once.

    Args:
        task: the stage's work.
        index: of the shard.
        config: which scorers, and their limits.

    Raises:
        ScorerError: the weights or the libraries of a scorer cannot be used.
        UnreadableShardError: a shard is missing or corrupt; by the batches.
    """
    judge = shared_judge(config, task.fingerprint)
    return BatchedResult(schema(config), _batches(task, index, schema(config), judge))


def _batches(
    task: StageTask, index: int, columns: pa.Schema, judge: Judge
) -> Iterator[ShardResult]:
    batch, judged = RowBatch(columns), ""
    verdict: Values | Check = {}
    for table in surviving_row_groups(task, index, list(_READ)):
        batch.rows_in += table.num_rows
        for row in rows_of(table):
            if row["sha256"] != judged:
                judged, verdict = row["sha256"], judge.judge(row)
            if isinstance(verdict, Check):
                batch.drop(reject(row, task.stage, verdict))
            else:
                batch.keep(_kept(row, verdict))
            if batch.is_full:
                yield batch.take()
    yield batch.take()


def _kept(row: dict[str, Any], values: Values) -> dict[str, Any]:
    return {name: row[name] for name in SELECTION_SCHEMA.names} | dict(values)
