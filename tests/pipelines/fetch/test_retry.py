"""One shard: rows of the asked reasons are fetched again, all others are carried over."""

from collections import Counter
from dataclasses import replace

import pytest

from dalle_model import files
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.config import RETRIED
from pipelines.fetch.shard import fetch_shard
from pipelines.io.finish import finish_shard, rejection_table
from pipelines.io.parquet import UnreadableShardError
from pipelines.io.task import ShardResult, Stopwatch
from pipelines.web.client import shared_client
from pipelines.web.failures import Reason
from tests.pipelines.fetch.test_shard import CONFIG, runtime_of, small_web, write_captions
from tests.support.loopback import loopback_web
from tests.support.results import whole


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running
        shared_client(http_settings(CONFIG, 1), runtime_of(running).loopback).close()


@pytest.fixture
def finished(web, tmp_path):
    """The task of a shard that is finished, as its retry has it."""
    rows, _ = small_web(web)
    task = write_captions(tmp_path, rows)
    finish_shard(task, 0, fetch_shard(task, 0, CONFIG, runtime_of(web)), Stopwatch())
    web.asked.clear()
    return replace(task, is_next=True)


def reasons_of(result: ShardResult) -> list[str]:
    return list(rejection_table(result.rejected)["reason"].to_pylist())


def test_one_image_is_asked_for_once_and_all_of_its_rows_come_back(web, finished):
    web.page("a.demo.test/none.png", b"here again")
    task = replace(finished, retried=("not_found",))
    result = whole(fetch_shard(task, 0, CONFIG, runtime_of(web)))
    assert [name for name in web.asked if "robots" not in name] == ["a.demo.test/none.png"]
    kept = result.kept.to_pylist()
    assert {r["caption"] for r in kept} == {"one", "two", "local", "a", "b"}
    held = {r["sha256"]: r["encoded"] for r in kept if r["encoded"] is not None}
    assert sorted(held.values()) == [b"good", b"here again"]
    assert {r["caption"] for r in kept if r["sha256"] not in held} == {"local"}
    assert "not_found" not in reasons_of(result)
    assert result.rows_in == result.kept.num_rows + len(reasons_of(result))


def test_a_row_that_fails_in_another_way_has_the_new_reason(web, finished):
    web.page("a.demo.test/broken.png", b"x" * 1001)
    task = replace(finished, retried=("server_error",))
    result = whole(fetch_shard(task, 0, CONFIG, runtime_of(web)))
    reasons = Counter(reasons_of(result))
    assert (reasons["server_error"], reasons["too_large"]) == (0, 2)


def test_a_retry_that_changes_nothing_writes_equal_bytes(web, finished):
    task = replace(finished, retried=("not_found", "opt_out", "too_large"))
    finish_shard(task, 0, fetch_shard(task, 0, CONFIG, runtime_of(web)), Stopwatch())
    for written, before in (
        (task.part(0), task.finished.part(0)),
        (task.rejected(0), task.finished.rejected(0)),
    ):
        assert files.read_bytes(written) == files.read_bytes(before)


def test_a_finished_shard_that_is_gone_is_named(web, finished):
    files.remove(finished.finished.part(0))
    with pytest.raises(UnreadableShardError, match="fetch/part-00000-of-00001"):
        whole(fetch_shard(replace(finished, retried=("not_found",)), 0, CONFIG, runtime_of(web)))


def test_every_class_of_failure_but_our_own_lists_can_be_asked_for():
    assert {*(reason.value for reason in Reason), "hash_mismatch"} - RETRIED == {
        "blocked_host",
        "blocked_url",
        "removed",
    }
