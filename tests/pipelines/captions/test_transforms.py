from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from dalle_model import files
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.pipeline import build
from pipelines.io.parquet import read_table
from pipelines.io.stage import ShardReport, StageTask
from tests.pipelines.captions.candidates import task_for

SHARDS = [["A dog on the beach", "IMG_2031.jpg"], [], ["Ein Hund im tiefen Wald", "a red house"]]


def _books(report: ShardReport) -> tuple[int, int, int, dict[str, int]]:
    return report.index, report.rows_in, report.rows_out, report.reasons


def run(root: Path) -> tuple[StageTask, Any]:
    task = task_for(root, SHARDS)
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        reports = build(pipeline, task, CaptionsConfig())
        books = reports | "Books" >> beam.Map(_books)
        assert_that(
            books,
            equal_to(
                [(0, 2, 1, {"file_name": 1}), (1, 0, 0, {}), (2, 2, 1, {"wrong_language": 1})]
            ),
        )
    return task, pipeline.result


def test_routing_books_counters_and_bytes(tmp_path: Path) -> None:
    task, result = run(tmp_path / "one")
    counted = {
        metric.key.metric.name: metric.committed
        for metric in result.metrics().query()["counters"]
        if metric.key.metric.namespace == "captions"
    }
    assert counted == {"rows_in": 4, "rows_out": 2, "file_name": 1, "wrong_language": 1}
    assert read_table(task.part(0))["caption"].to_pylist() == ["A dog on the beach"]
    assert read_table(task.rejected(2))["caption"].to_pylist() == [SHARDS[2][0]]
    again, _ = run(tmp_path / "two")
    for index in range(3):
        assert files.read_bytes(task.part(index)) == files.read_bytes(again.part(index))
        assert files.read_bytes(task.rejected(index)) == files.read_bytes(again.rejected(index))
