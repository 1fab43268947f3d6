from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from dalle_model import files
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.shard_tallies import NUM_RANGES, pack
from pipelines.captions.corpus.tally import Tally
from pipelines.captions.pipeline import build
from pipelines.captions.transforms import CountCaptions, FindFailing
from pipelines.io.parquet import read_table
from pipelines.io.task import ShardReport, StageTask
from tests.support.beam_tasks import tasks
from tests.support.captions.candidates import task_for
from tests.support.captions.funnels import corpus_steps
from tests.support.captions.spread import spread
from tests.support.captions.tallies import as_dict, tally_of

SHARDS = [["A dog on the beach", "IMG_2031.jpg"], [], ["Ein Hund im tiefen Wald", "a red house"]]


def _books(report: ShardReport) -> tuple[int, int, int, dict[str, int]]:
    return report.index, report.rows_in, report.rows_out, report.reasons


def run(root: Path) -> tuple[StageTask, Any]:
    task = task_for(root, SHARDS)
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        reports = build(tasks(pipeline, task), CaptionsConfig())
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


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(tmp_path: Path) -> None:
    task, _ = run(tmp_path / "one")
    other = task_for(tmp_path / "two", SHARDS)
    options = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions(options)) as pipeline:
        _ = build(tasks(pipeline, other), CaptionsConfig())
    for index in range(3):
        assert files.read_bytes(task.part(index)) == files.read_bytes(other.part(index))
        assert files.read_bytes(task.rejected(index)) == files.read_bytes(other.rejected(index))


def _plain(failing: tuple[int, tuple[str, Tally]]) -> tuple[int, str, dict[int, int]]:
    shard, (rule, tally) = failing
    return shard, rule, as_dict(tally)


def test_find_failing_routes_to_the_shards_that_counted() -> None:
    counts = [
        (("text_of_many_images", 0), pack([(0, tally_of({1: 6, 2: 1}))])),
        (("text_of_many_images", 1), pack([(0, tally_of({9: 3}))])),
        (("text_of_many_images", 0), pack([(2, tally_of({1: 5}))])),
        (("rare_types", 0), pack([(1, tally_of({1: 100, 2: 101}))])),
    ]
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        found = (
            pipeline
            | beam.Create(counts)
            | FindFailing(corpus_steps({"text_of_many_images": 10, "rare_types": 101}))
            | beam.Map(_plain)
        )
        expected = [
            (0, "text_of_many_images", {1: 11}),
            (2, "text_of_many_images", {1: 11}),
            (1, "rare_types", {1: 100}),
        ]
        assert_that(found, equal_to(expected))


def test_find_failing_ranks_over_all_ranges() -> None:
    counts = [
        (("rare_ngrams", 0), pack([(0, tally_of({1: 5, 2: 1}))])),
        (("rare_ngrams", 1), pack([(0, tally_of({9: 3}))])),
        (("rare_ngrams", 0), pack([(2, tally_of({2: 1}))])),
    ]
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        found = (
            pipeline
            | beam.Create(counts)
            | FindFailing(corpus_steps({"rare_ngrams": 2}))
            | beam.Map(_plain)
        )
        assert_that(found, equal_to([(0, "rare_ngrams", {2: 3}), (2, "rare_ngrams", {2: 3})]))


def test_count_captions_cuts_counts_into_ranges(tmp_path: Path) -> None:
    task = spread(tmp_path, [(f"http://a.test/{n}", "A dog on the beach") for n in range(9)], 4)
    config = CaptionsConfig(overrides={"text_of_many_images": 10})
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        counted = pipeline | beam.Create(range(4)) | CountCaptions(tasks(pipeline, task), config)
        total = (
            counted
            | beam.Map(lambda count: (count[0], int(count[1].numbers.sum())))
            | beam.CombinePerKey(sum)
        )
        (text,) = hash_texts(["A dog on the beach"]).tolist()
        assert_that(total, equal_to([(("text_of_many_images", text * NUM_RANGES >> 64), 9)]))
