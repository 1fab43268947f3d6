from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dalle_model import files
from pipelines.io.finish import (
    UnbalancedBooksError,
    UnorderedBatchesError,
    finish_shard,
    rejection_table,
)
from pipelines.io.manifest import Manifest
from pipelines.io.parquet import read_table
from pipelines.io.task import BatchedResult, ShardResult, StageTask, Stopwatch, finished_shards
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


def test_rows_beyond_the_first_of_a_row_in_are_told_apart_in_the_books(tmp_path):
    more = replace(result("aab", "c"), rows_in=3, added=1)
    report = finish_shard(task(tmp_path), 0, more, Stopwatch())
    assert (report.rows_in, report.rows_out, report.rows_added) == (3, 3, 1)
    identity = {"stage": "s", "fingerprint": "f", "config": {}, "inputs": {}, "dependencies": {}}
    manifest = Manifest.of_shards([report, report], 2, **identity)
    assert (manifest.rows_out, manifest.rows_added, manifest.rows_kept) == (6, 2, 4)
    assert manifest.reject_rate == pytest.approx(1 / 3)
    with pytest.raises(UnbalancedBooksError, match="3 out, of which 2 were added, and 1 dropped"):
        finish_shard(task(tmp_path), 0, replace(more, added=2), Stopwatch())


def test_rows_of_one_key_are_in_the_order_of_their_views(tmp_path):
    schema = pa.schema([("key", pa.string()), ("view", pa.uint8())])
    rows = [{"key": key, "view": view} for key in "ab" for view in range(3)]
    for index, order in enumerate((rows, rows[::-1])):
        made = ShardResult(pa.Table.from_pylist(order, schema), [], 6)
        finish_shard(task(tmp_path), index, made, Stopwatch())
        assert read_table(task(tmp_path).part(index)).to_pylist() == rows


def batched(*parts: ShardResult) -> BatchedResult:
    return BatchedResult(SELECTION_SCHEMA, iter(parts))


def test_batches_are_written_as_the_whole_and_their_counts_add_up(tmp_path):
    told: dict[str, Any] = {
        "cpu_s": 1.5,
        "tallies": {"n": 1},
        "passed_over": {"x": 2},
        "warnings": ["one line"],
    }
    parts = [
        replace(result("ba", "d"), rows_in=5, **told),
        replace(result("", ""), rows_in=0),
        replace(result("c", "f"), rows_in=0, **told),
    ]
    report = finish_shard(task(tmp_path), 0, batched(*parts), Stopwatch())
    whole = replace(result("bca", "fd"), rows_in=5)
    expected = finish_shard(task(tmp_path), 1, whole, Stopwatch())
    assert report.kept_file == expected.kept_file
    assert report.rejected_file == expected.rejected_file
    for place in (task(tmp_path).part, task(tmp_path).rejected):
        assert files.read_bytes(place(0)) == files.read_bytes(place(1))
    assert (report.rows_in, report.rows_out, report.reasons) == (5, 3, {"exact_duplicate": 2})
    assert (report.tallies, report.passed_over) == ({"n": 2}, {"x": 4})
    assert (report.warnings, report.timing["elsewhere_s"]) == (["one line"] * 2, 3)


def test_a_shard_without_batches_is_an_empty_one(tmp_path):
    finish_shard(task(tmp_path), 0, batched(), Stopwatch())
    finish_shard(task(tmp_path), 1, replace(result("", ""), rows_in=0), Stopwatch())
    for place in (task(tmp_path).part, task(tmp_path).rejected):
        assert files.read_bytes(place(0)) == files.read_bytes(place(1))


def test_keys_that_do_not_ascend_from_batch_to_batch_stop_the_stage(tmp_path):
    with pytest.raises(UnorderedBatchesError, match="dedupe shard 0: a comes after c"):
        finish_shard(task(tmp_path), 0, batched(result("bc"), result("ad")), Stopwatch())


def test_nothing_is_written_of_a_shard_that_fails_on_the_way(tmp_path):
    def fails() -> Iterator[ShardResult]:
        yield result()
        assert files.list_names(task(tmp_path).folder.url)  # of the rows so far, under another name
        raise KeyError

    unbalanced = batched(replace(result(), rows_in=5))
    for broken, error in ((BatchedResult(SELECTION_SCHEMA, fails()), KeyError),
                          (unbalanced, UnbalancedBooksError)):  # fmt: skip
        with pytest.raises(error):
            finish_shard(task(tmp_path), 0, broken, Stopwatch())
        assert files.list_names(task(tmp_path).folder.url) == []


def test_the_rejections_are_there_before_the_rows_and_the_marker_is_last(tmp_path, monkeypatch):
    order = []
    write, rename = files.write_bytes, Path.replace

    def writing(url: str, content: bytes) -> None:
        order.append(url)
        write(url, content)

    def renaming(self: Path, target: Path) -> None:
        order.append(str(target))
        rename(self, target)

    monkeypatch.setattr(files, "write_bytes", writing)
    monkeypatch.setattr(Path, "replace", renaming)
    mine = task(tmp_path)
    finish_shard(mine, 0, result(), Stopwatch())
    assert list(dict.fromkeys(order)) == [mine.rejected(0), mine.part(0), mine.folder.marker(0)]


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
