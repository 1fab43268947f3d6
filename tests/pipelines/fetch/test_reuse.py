"""A shard is finished, and made again for other rows: what is known is not requested again."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dalle_model.shards import image_of
from pipelines.fetch import shard
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.bodies import bodies_at
from pipelines.fetch.buckets import Outcome, pack_outcomes
from pipelines.fetch.reuse import Before
from pipelines.io.finish import finish_shard
from pipelines.io.parquet import UnreadableShardError
from pipelines.io.task import Stopwatch
from pipelines.web.client import shared_client
from tests.pipelines.fetch.test_shard import CONFIG, row, runtime_of, small_web, write_captions
from tests.support.loopback import loopback_web
from tests.support.results import whole


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running
        runtime = runtime_of(running)
        shared_client(http_settings(CONFIG, runtime.workers), runtime.loopback).close()


def finished(root, rows, web, earlier=()):
    """The task and the result of a shard of rows that is finished."""
    task = replace(write_captions(root, rows), earlier=earlier)
    finish_shard(task, 0, shard.fetch_shard(task, 0, CONFIG, runtime_of(web)), Stopwatch())
    return task, whole(shard.fetch_shard(task, 0, CONFIG, runtime_of(web)))


def test_no_outcome_is_asked_for_again_and_every_row_is_as_from_nothing(web, tmp_path):
    rows, _ = small_web(web)
    web.page("a.demo.test/new.png", b"new")
    before, first = finished(tmp_path / "one", rows[1:], web)
    rows = [*rows, row("http://a.demo.test/new.png", "new")]
    _, expected = finished(tmp_path / "nothing", rows, web)
    web.asked.clear()
    task = replace(write_captions(tmp_path / "two", rows), earlier=(before.folder.url,))
    found = whole(shard.fetch_shard(task, 0, CONFIG, runtime_of(web)))
    assert {url for url in web.asked if not url.endswith("robots.txt")} == {"a.demo.test/new.png"}
    assert found.kept.equals(expected.kept)
    assert sorted(found.rejected, key=str) == sorted(expected.rejected, key=str)
    assert found.reused == first.rows_in  # the row that is new here shares its image; one is local


def test_what_depended_on_the_other_images_of_a_host_is_asked_again(web, tmp_path):
    rows = [row("http://a.demo.test/one.png", "one"), row("http://a.demo.test/two.png", "two")]
    web.page("a.demo.test/one.png", b"one")
    before = write_captions(tmp_path / "one", rows)
    budget, gone = (
        Outcome(image_of(r["key"]), 0, reason)
        for r, reason in zip(rows, ("host_budget", "not_found"), strict=True)
    )
    packed = pack_outcomes([budget, gone])
    finish_shard(before, 0, shard.complete_shard(before, 0, [packed], CONFIG), Stopwatch())
    task = replace(write_captions(tmp_path / "two", rows), earlier=(before.folder.url,))
    assert list(shard.wanted_images(task, 0, CONFIG).values()) == [rows[0]["url"]]


def test_a_hash_that_another_row_declares_is_compared_with_the_bytes_from_before(web, tmp_path):
    web.page("a.demo.test/one.png", b"one")
    one = row("http://a.demo.test/one.png", "one")
    before, _ = finished(tmp_path / "one", [one], web)
    other = row("http://a.demo.test/one.png", "other") | {"declared_hash": "md5:" + "0" * 32}
    _, found = finished(tmp_path / "two", [one, other], web, (before.folder.url,))
    assert Counter(r.reason for r in found.rejected) == {"hash_mismatch": 1}
    assert (found.kept.num_rows, found.reused) == (1, 2)


def test_with_hosts_in_buckets_what_is_known_is_not_wanted_and_is_in_the_result(web, tmp_path):
    rows, reasons = small_web(web)
    before, expected = finished(tmp_path / "one", rows, web)
    task = replace(write_captions(tmp_path / "two", rows), earlier=(before.folder.url,))
    assert shard.wanted_images(task, 0, CONFIG) == {}
    found = whole(shard.complete_shard(task, 0, [], CONFIG))
    assert found.kept.equals(expected.kept)
    assert Counter(r.reason for r in found.rejected) == reasons


def test_rows_that_another_command_frees_meanwhile_are_named(web, tmp_path):
    rows, _ = small_web(web)
    before, _ = finished(tmp_path / "one", rows, web)
    task = replace(write_captions(tmp_path / "two", rows), earlier=(before.folder.url,))
    known = Before.of(task, 0)
    Path(before.folder.part(0)).unlink()
    bodies = known.joined(bodies_at({}, task.folder.progress), task, 0)
    with pytest.raises(UnreadableShardError, match="was there when this stage began"):
        bodies.read(min(known.bodies))
