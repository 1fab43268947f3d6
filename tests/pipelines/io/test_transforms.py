from collections.abc import Iterable
from functools import partial

import apache_beam as beam
import pyarrow as pa
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from pipelines.io.parquet import read_table
from pipelines.io.task import ShardResult, StageTask, finished_shards
from pipelines.io.transforms import AllShards, GatherShards, ProcessShards, Shards, _GatherShardFn
from pipelines.records import SELECTION_SCHEMA
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


def test_all_shards_are_read_whatever_is_pending(tmp_path):
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        work = tasks(pipeline, task(tmp_path, pending=(1,)))
        assert_that(work | AllShards(), equal_to([0, 1, 2]))


def test_no_shard_is_read_where_none_is_pending(tmp_path):
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        assert_that(tasks(pipeline, task(tmp_path, pending=())) | AllShards(), equal_to([]))


def named(task: StageTask, index: int, values: Iterable[str]) -> ShardResult:
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


class Once:
    """Values that can be gone through once, as a runner streams them; counts those that are out."""

    def __init__(self, count: int) -> None:
        self.left, self.count = count, count

    def __iter__(self):
        assert self.left == self.count
        while self.left:
            self.left -= 1
            yield None if self.left % 2 else f"{self.left}"


def test_values_are_taken_one_by_one_and_no_list_of_them_is_made(tmp_path):
    values, seen = Once(6), []

    def work(task: StageTask, index: int, given: Iterable[str]) -> ShardResult:
        for value in given:
            seen.append((value, values.left))
        return one_row(task, index, "row-")

    list(_GatherShardFn(work).process((0, values), task(tmp_path)))
    assert seen == [("4", 4), ("2", 2), ("0", 0)]
