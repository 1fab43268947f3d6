from functools import partial

import apache_beam as beam
import pyarrow as pa
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from pipelines.io.parquet import read_table
from pipelines.io.task import ShardResult, StageTask, finished_shards
from pipelines.io.transforms import AllShards, GatherShards, ProcessShards, Shards, WriteShards
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import Rejection
from tests.support.beam_tasks import tasks


def task(root, pending=(0, 2)) -> StageTask:
    return StageTask(str(root), "dedupe", 3, "attempt", "fingerprint", pending)


def row(key: str) -> dict[str, str]:
    return {"key": key, "url": "u", "caption": "c"}


def one_row(task: StageTask, index: int, prefix: str) -> ShardResult:
    return ShardResult(pa.Table.from_pylist([row(f"{prefix}{index}")], SELECTION_SCHEMA), [], 1)


def test_only_pending_shards_are_processed(tmp_path):
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        work = tasks(pipeline, task(tmp_path))
        _ = work | Shards() | ProcessShards(work, partial(one_row, prefix="row-"))
    assert set(finished_shards(task(tmp_path))) == {0, 2}
    assert read_table(task(tmp_path).part(2))["key"].to_pylist() == ["row-2"]


def test_rows_and_rejections_land_in_their_shards_and_empty_shards_are_written(tmp_path):
    dropped = Rejection("d", "u", "c", "dedupe", "near_duplicate", 3, 4)
    rows = [(0, row("b")), (1, row("not pending")), (0, dropped), (0, row("a"))]
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        work = tasks(pipeline, task(tmp_path))
        _ = pipeline | beam.Create(rows) | WriteShards(work, SELECTION_SCHEMA)
    reports = finished_shards(task(tmp_path))
    assert {i: (r.rows_in, r.rows_out) for i, r in reports.items()} == {0: (3, 2), 2: (0, 0)}
    assert read_table(task(tmp_path).part(0))["key"].to_pylist() == ["a", "b"]
    assert read_table(task(tmp_path).rejected(0))["reason"].to_pylist() == ["near_duplicate"]


def test_all_shards_are_read_whatever_is_pending(tmp_path):
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        work = tasks(pipeline, task(tmp_path, pending=(1,)))
        assert_that(work | AllShards(), equal_to([0, 1, 2]))


def test_no_shard_is_read_where_none_is_pending(tmp_path):
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        assert_that(tasks(pipeline, task(tmp_path, pending=())) | AllShards(), equal_to([]))


def named(task: StageTask, index: int, values: list[str]) -> ShardResult:
    rows = [row(f"{index}-{value}") for value in values]
    return ShardResult(pa.Table.from_pylist(rows, SELECTION_SCHEMA), [], len(rows))


def test_values_are_gathered_for_pending_shards_alone(tmp_path):
    values = [(0, "b"), (1, "not pending"), (0, "a")]
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        work = tasks(pipeline, task(tmp_path))
        _ = pipeline | beam.Create(values) | GatherShards(work, named)
    assert set(finished_shards(task(tmp_path))) == {0, 2}
    assert read_table(task(tmp_path).part(0))["key"].to_pylist() == ["0-a", "0-b"]
    assert read_table(task(tmp_path).part(2)).num_rows == 0
