from dataclasses import asdict, replace

import pyarrow as pa
import pytest

from dalle_model import files
from pipelines.io.finish import UnbalancedBooksError, finish_shard, rejection_table
from pipelines.io.manifest import Manifest
from pipelines.io.parquet import read_table
from pipelines.io.task import ShardResult, StageTask, Stopwatch, finished_shards
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA, Check, Rejection, first_failure, reject


def task(root, **changes) -> StageTask:
    whole = StageTask(str(root), "dedupe", 2, "attempt-1", "fingerprint", (0, 1))
    return replace(whole, **changes)


def result(keys: str = "ba", dropped: str = "dc") -> ShardResult:
    rows = [{"key": k, "url": f"http://h/{k}", "caption": k} for k in keys]
    rejected = [Rejection(k, "u", "c", "dedupe", "exact_duplicate") for k in dropped]
    return ShardResult(pa.Table.from_pylist(rows, SELECTION_SCHEMA), rejected, 4)


def test_a_shard_is_sorted_written_and_marked(tmp_path):
    report = finish_shard(task(tmp_path), 1, result(), Stopwatch())
    assert read_table(task(tmp_path).part(1))["key"].to_pylist() == ["a", "b"]
    assert read_table(task(tmp_path).rejected(1))["key"].to_pylist() == ["c", "d"]
    assert (report.rows_in, report.rows_out, report.reasons) == (4, 2, {"exact_duplicate": 2})
    assert set(finished_shards(task(tmp_path))) == {1}
    content = files.read_bytes(task(tmp_path).part(1))
    assert report.kept_file["sha256"] == files.sha256(content)


def test_work_of_other_processes_is_counted(tmp_path):
    elsewhere = replace(result(), cpu_s=100.0, tallies={"images_compared": 3})
    report = finish_shard(task(tmp_path), 0, elsewhere, Stopwatch())
    assert 100 <= report.timing["cpu_s"] < 200
    assert report.timing["elsewhere_s"] == 100
    assert finished_shards(task(tmp_path))[0].tallies == {"images_compared": 3}
    identity = {"stage": "s", "fingerprint": "f", "config": {}, "inputs": {}, "dependencies": {}}
    manifest = Manifest.of_shards([report, report], 2, **identity)
    assert manifest.metrics == {"images_compared": 6}


def test_the_order_of_rows_does_not_matter(tmp_path):
    finish_shard(task(tmp_path), 0, result("ab", "cd"), Stopwatch())
    finish_shard(task(tmp_path), 1, result("ba", "dc"), Stopwatch())
    for place in (task(tmp_path).part, task(tmp_path).rejected):
        assert files.read_bytes(place(0)) == files.read_bytes(place(1))


def test_books_that_do_not_balance_stop_the_stage(tmp_path):
    with pytest.raises(UnbalancedBooksError, match="5 rows in, but 2 out and 2 dropped"):
        finish_shard(task(tmp_path), 0, replace(result(), rows_in=5), Stopwatch())
    assert finished_shards(task(tmp_path)) == {}


def test_checks_after_the_first_failure_are_not_computed():
    def checks():
        yield Check("min_words", True, 3, 3)
        yield Check("language", False, detail="de")
        raise AssertionError("a later check was computed")

    failure = first_failure(checks())
    assert failure is not None
    row = {"key": "k", "url": "u", "caption": "ein Hund"}
    expected = Rejection("k", "u", "ein Hund", "captions", "language", detail="de")
    assert reject(row, "captions", failure) == expected


def test_rejections_in_a_table_are_written_like_a_list_of_them(tmp_path):
    listed = result(dropped="dca").rejected
    rows = [asdict(rejection) for rejection in listed]
    reported = [
        finish_shard(task(tmp_path), index, replace(result(), rejected=r, rows_in=5), Stopwatch())
        for index, r in enumerate([listed, pa.Table.from_pylist(rows, REJECTION_SCHEMA)])
    ]
    assert reported[0].reasons == reported[1].reasons == {"exact_duplicate": 3}
    assert reported[0].rejected_file == reported[1].rejected_file


def test_rejections_are_in_a_total_order():
    first = Rejection("b", "u", "c", "dedupe", "near_duplicate", 2.0, 1.0)
    rejections = [first, replace(first, measured=10.0), replace(first, key="a"), first]
    tables = [rejection_table(rejections), rejection_table(rejections[::-1])]
    assert tables[0].equals(tables[1])
    assert tables[0]["key"].to_pylist() == ["a", "b", "b", "b"]
    assert tables[0]["measured"].to_pylist() == [2.0, 2.0, 2.0, 10.0]
    assert rejection_table([]).schema == REJECTION_SCHEMA
