from functools import partial

import apache_beam as beam
import pyarrow as pa
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from pipelines.io.parquet import read_table
from pipelines.io.stage import ShardResult, StageTask, finished_shards
from pipelines.io.transforms import ProcessShards, Shards, WriteShards
from pipelines.records import SURVIVOR_SCHEMA
from pipelines.rejection import Rejection


def task(root, pending=(0, 2)) -> StageTask:
    return StageTask(str(root), "dedupe", 3, "attempt", "fingerprint", pending)


def row(key: str) -> dict[str, str]:
    return {"key": key, "url": "u", "caption": "c"}


def one_row(task: StageTask, index: int, prefix: str) -> ShardResult:
    return ShardResult(pa.Table.from_pylist([row(f"{prefix}{index}")], SURVIVOR_SCHEMA), [], 1)


def test_only_pending_shards_are_processed(tmp_path):
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        _ = (
            pipeline
            | Shards(task(tmp_path))
            | ProcessShards(task(tmp_path), partial(one_row, prefix="row-"))
        )
    assert set(finished_shards(task(tmp_path))) == {0, 2}
    assert read_table(task(tmp_path).part(2))["key"].to_pylist() == ["row-2"]


def test_rows_and_rejections_land_in_their_shards_and_empty_shards_are_written(tmp_path):
    dropped = Rejection("d", "u", "c", "dedupe", "near_duplicate", 3, 4)
    rows = [(0, row("b")), (1, row("not pending")), (0, dropped), (0, row("a"))]
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create(rows) | WriteShards(task(tmp_path), SURVIVOR_SCHEMA)
    reports = finished_shards(task(tmp_path))
    assert {i: (r.rows_in, r.rows_out) for i, r in reports.items()} == {0: (3, 2), 2: (0, 0)}
    assert read_table(task(tmp_path).part(0))["key"].to_pylist() == ["a", "b"]
    assert read_table(task(tmp_path).rejected(0))["reason"].to_pylist() == ["near_duplicate"]
