import hashlib
import socket
import struct
from collections import Counter
from functools import partial

import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.shards import image_of
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.bodies import Bodies
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.declared import DRIFTED
from pipelines.fetch.shard import fetch_shard
from pipelines.io import batches, parquet
from pipelines.io.finish import finish_shard
from pipelines.io.keys import local_pair_key, pair_key
from pipelines.io.parquet import UnreadableShardError
from pipelines.io.task import Stopwatch
from pipelines.records import (
    CANDIDATE_SCHEMA,
    CANDIDATES,
    CAPTION_SCHEMA,
    CAPTIONS,
    FETCHED_SCHEMA,
)
from pipelines.stage import Runtime
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import shared_client
from tests.support.loopback import SUFFIX, answer, loopback_web
from tests.support.results import whole
from tests.support.tasks import stage_task

CONFIG = FetchConfig(
    timeout_s=2.0, max_bytes=1000, retries=2, backoff_s=0.001, concurrency=8, max_redirects=2
)


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running
        for config in (CONFIG, CONFIG.model_copy(update={"per_host_concurrency": 1})):
            runtime = runtime_of(running)
            shared_client(http_settings(config, runtime.workers), runtime.loopback).close()


def runtime_of(web):
    return Runtime(loopback=LoopbackAllowance(web.port, SUFFIX))


def row(url, caption, encoded=None):
    key = pair_key(url, caption) if encoded is None else local_pair_key(encoded, caption)
    values = dict.fromkeys(CANDIDATE_SCHEMA.names + CAPTION_SCHEMA.names, "")
    sha256 = None if encoded is None else files.sha256(encoded)
    values |= {"key": key, "url": url, "caption": caption, "license": "CC0"}
    return values | {"encoded": encoded, "sha256": sha256}


def write_captions(root, rows):
    """The captions of a task, and the candidates that hold what their sources supplied."""
    task = stage_task(root, "fetch")
    for role, schema in ((CAPTIONS, CAPTION_SCHEMA), (CANDIDATES, CANDIDATE_SCHEMA)):
        table = pa.Table.from_pylist(sorted(rows, key=lambda r: r["key"]), schema=schema)
        files.write_bytes(task.input(role).part(0), parquet.to_bytes(table))
    return task


def small_web(web):
    """Rows with every kind of outcome, and how many of each reason they must give."""
    refusal = [("X-Robots-Tag", "noai")]
    site, rows = "http://a.demo.test", []
    web.page("a.demo.test/robots.txt", b"User-agent: *\nDisallow: /private/")
    web.page("a.demo.test/good.png", b"good")
    web.page("a.demo.test/large.png", b"x" * 1001)
    web.page("a.demo.test/broken.png", status=500)
    web.page("a.demo.test/empty.png", b"")
    web.page("a.demo.test/noai.png", b"no", headers=refusal)
    web.page("a.demo.test/loop.png", status=302, headers=[("Location", "/loop.png")])
    web.page("b.demo.test/robots.txt", status=500)
    rows += [row(f"{site}/good.png", "one"), row(f"{site}/good.png", "two")]
    rows += [row(f"{site}/{name}.png", name) for name in ("large", "broken", "empty", "noai")]
    rows += [row(f"{site}/loop.png", "loop"), row(f"{site}/none.png", "a")]
    rows += [row(f"{site}/none.png", "b"), row(f"{site}/private/p.png", "private")]
    rows += [row("http://b.demo.test/p.png", "closed"), row("http://127.0.0.1/p.png", "loopback")]
    rows += [row("file:///etc/passwd", "file"), row("folder/p.png", "local", encoded=b"local")]
    reasons = Counter(
        too_large=1, server_error=1, empty_body=1, opt_out=1, too_many_redirects=1, not_found=2,
        robots_disallowed=1, robots_unreachable=1, address_refused=1, scheme_refused=1,
    )  # fmt: skip
    return rows, reasons


def test_every_row_is_kept_or_rejected_with_its_class(web, tmp_path):
    rows, reasons = small_web(web)
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, CONFIG, runtime_of(web)))
    assert Counter(r.reason for r in result.rejected) == reasons
    assert result.rows_in == len(rows) == result.kept.num_rows + len(result.rejected)
    assert result.kept.schema == FETCHED_SCHEMA
    kept = {r["caption"]: r for r in result.kept.to_pylist()}
    served = {"one": b"good", "two": b"good", "local": b"local"}
    sums = {caption: hashlib.sha256(content).hexdigest() for caption, content in served.items()}
    assert {caption: r["sha256"] for caption, r in kept.items()} == sums
    held = [r["encoded"] for r in result.kept.to_pylist()]
    assert sorted(map(str, held)) == ["None", "None", str(b"good")]
    assert min(kept["one"], kept["two"], key=lambda r: r["key"])["encoded"] == b"good"
    assert kept["one"]["license"] == "CC0"


def test_an_image_is_requested_once_and_retried_only_where_that_may_help(web, tmp_path):
    rows, _ = small_web(web)
    whole(fetch_shard(write_captions(tmp_path, rows), 0, CONFIG, runtime_of(web)))
    asked = Counter(web.asked)
    assert asked["a.demo.test/good.png"] == 1
    assert asked["a.demo.test/none.png"] == 1
    assert asked["a.demo.test/broken.png"] == 3
    assert asked["a.demo.test/private/p.png"] == 0
    assert asked["b.demo.test/p.png"] == 0
    assert asked["a.demo.test/robots.txt"] == 1


def test_an_image_that_its_source_supplied_is_neither_requested_nor_kept_again(web, tmp_path):
    url = "http://a.demo.test/good.png"
    web.page("a.demo.test/good.png", b"another image by now")
    rows = [row(url, "one", encoded=b"supplied"), row("urn:sha256:00", "two", encoded=b"x" * 1001)]
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, CONFIG, runtime_of(web)))
    kept = {r["caption"]: r["sha256"] for r in result.kept.to_pylist()}
    assert kept == {"one": files.sha256(b"supplied"), "two": files.sha256(b"x" * 1001)}
    assert result.kept["encoded"].null_count == 2
    assert web.asked == []


def test_candidates_of_another_crawl_are_an_error(web, tmp_path):
    task = write_captions(tmp_path, [row("u", "one", encoded=b"supplied")])
    table = parquet.read_table(task.input(CAPTIONS).part(0))
    other = table.set_column(table.column_names.index("sha256"), "sha256", pa.array(["0" * 64]))
    files.write_bytes(task.input(CAPTIONS).part(0), parquet.to_bytes(other))
    with pytest.raises(UnreadableShardError, match="no bytes with the SHA-256 000000000000"):
        whole(fetch_shard(task, 0, CONFIG, runtime_of(web)))


def test_a_rejection_measures_what_it_can(web, tmp_path):
    rows, _ = small_web(web)
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, CONFIG, runtime_of(web)))
    large = next(r for r in result.rejected if r.reason == "too_large")
    assert (large.stage, large.caption) == ("fetch", "large")
    assert (large.measured, large.threshold) == (1001, 1000)


def test_two_runs_on_two_ports_write_equal_bytes(tmp_path):
    written = []
    for run in ("first", "second"):
        with loopback_web() as web:
            rows, _ = small_web(web)
            if run == "second":
                rows.reverse()
            task = write_captions(tmp_path / run, rows)
            result = fetch_shard(task, 0, CONFIG, runtime_of(web))
            finish_shard(task, 0, result, Stopwatch())
            shared_client(http_settings(CONFIG, 1), runtime_of(web).loopback).close()
        written.append([files.read_bytes(url) for url in (task.part(0), task.rejected(0))])
    assert written[0] == written[1]


def test_images_that_do_not_fit_into_memory_give_the_same_rows(web, tmp_path, monkeypatch):
    rows, _ = small_web(web)
    for n in range(30):
        web.page(f"a.demo.test/{n}", b"%d" % n * 30)
        rows.append(row(f"http://a.demo.test/{n}", f"{n}"))
    written = []
    for limit in (0, 50, 10_000):
        monkeypatch.setattr("pipelines.fetch.shard.Bodies", partial(Bodies, limit=limit))
        task = write_captions(tmp_path / str(limit), rows)
        report = finish_shard(task, 0, fetch_shard(task, 0, CONFIG, runtime_of(web)), Stopwatch())
        written.append([files.read_bytes(url) for url in (task.part(0), task.rejected(0))])
        assert report.rows_out == 33
        assert files.list_names(task.folder.progress) == ["00000.json"]
    assert written[0] == written[1] == written[2]


def test_a_flaky_web_gives_what_a_sound_one_gives(web, tmp_path):
    """The first request for each image gets a reset, a 503 or half a body."""
    rows = []
    fails: Counter[str] = Counter()

    def handler(request, connection):
        fails[request.path] += 1
        if fails[request.path] == 1:
            number = int(request.path[1:])
            faults = [b"", answer(status=503), answer(b"h", headers=[("Content-Length", "9")])]
            connection.sendall(faults[number % 3])
            return
        connection.sendall(answer(request.path.encode()))

    for i in range(30):
        web.route(f"a.demo.test/{i}", handler)
        rows.append(row(f"http://a.demo.test/{i}", str(i)))
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, CONFIG, runtime_of(web)))
    kept = {r["caption"]: r["encoded"] for r in result.kept.to_pylist()}
    assert kept == {str(i): f"/{i}".encode() for i in range(30)}
    assert set(fails.values()) == {2}


@pytest.mark.parametrize("per_host", [1, 2])
def test_requests_to_a_host_never_exceed_its_limit(web, tmp_path, per_host):
    rows = []
    for host in "abc":
        for i in range(8):
            web.page(f"{host}.demo.test/{i}", wait_s=0.005)
            rows.append(row(f"http://{host}.demo.test/{i}", f"{host}{i}"))
    config = CONFIG.model_copy(update={"per_host_concurrency": per_host})
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, config, runtime_of(web)))
    assert result.kept.num_rows == 24
    assert max(web.most_active.values()) <= per_host


@pytest.mark.parametrize("per_host", [1, 2, 8])
def test_a_host_that_keeps_failing_is_put_aside_and_named(web, tmp_path, per_host):
    """Its connections end without an answer, whatever is asked of it but its robots.txt."""
    rows = []
    for host in ("bad", "good", "worse"):
        for i in range(12):
            handler = _reset if host != "good" else _picture
            web.route(f"{host}.demo.test/{i}", handler)
            rows.append(row(f"http://{host}.demo.test/{i}", f"{host}{i}"))
    rows.append(row("http://bad.demo.test/11", "once more"))
    settings = {"per_host_concurrency": per_host, "retries": 0, "max_host_failures": 3}
    task, config = write_captions(tmp_path, rows), CONFIG.model_copy(update=settings)
    result = whole(fetch_shard(task, 0, config, runtime_of(web)))
    shared_client(http_settings(config, 1), runtime_of(web).loopback).close()
    reasons = Counter(r.reason for r in result.rejected if "bad" not in r.url)
    assert reasons == {"connection_failed": 3, "host_given_up": 9}
    tried = {r.url for r in result.rejected if r.reason == "connection_failed"}
    first = sorted((image_of(r["key"]), r["url"]) for r in rows if "bad" in r["url"])
    assert {url for _, url in first if url in tried} == set(list(dict(first).values())[:3])
    assert result.kept.num_rows == 12
    assert list(result.warnings) == [
        "hosts that kept failing, and images not requested of them: "
        "bad.demo.test (9), worse.demo.test (9)"
    ]


def _reset(_, connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _picture(_, connection):
    connection.sendall(answer(b"picture"))


def test_an_empty_shard(web, tmp_path):
    result = whole(fetch_shard(write_captions(tmp_path, []), 0, CONFIG, runtime_of(web)))
    assert (result.kept.num_rows, result.rejected, result.rows_in) == (0, [], 0)


def test_a_missing_shard_is_named(tmp_path):
    task = stage_task(tmp_path, "fetch")
    with pytest.raises(parquet.UnreadableShardError, match="captions/part-00000-of-00001"):
        whole(fetch_shard(task, 0, CONFIG, Runtime()))


def test_bytes_of_another_hash_than_declared_are_rejected_for_that_row_alone(web, tmp_path):
    web.page("a.demo.test/good.png", b"good")
    right, url = hashlib.md5(b"good").hexdigest(), "http://a.demo.test/good.png"
    rows = [row(url, "right") | {"declared_hash": f"md5:{right}"}, row(url, "none")]
    rows += [row(url, "wrong") | {"declared_hash": f"md5:{'0' * 32}"}]
    rows += [row("p.png", "local", b"local") | {"declared_hash": f"md5:{'1' * 32}"}]
    rows += [row(url, "look") | {"declared_hash": f"md5:{'2' * 32} phash:{'0' * 16}"}]
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, CONFIG, runtime_of(web)))
    assert sorted(result.kept["caption"].to_pylist()) == ["look", "none", "right"]
    assert {(r.caption, r.reason) for r in result.rejected} == {
        ("wrong", "hash_mismatch"), ("local", "hash_mismatch"),
    }  # fmt: skip
    assert result.passed_over == {DRIFTED: 1}


def test_no_more_is_held_of_a_shard_with_more_images(web, tmp_path, monkeypatch):
    """Arrow's memory, and the bodies; a shard of 200 images of 20,000 bytes is 4 MB."""
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 100_000)
    monkeypatch.setattr(batches, "_BYTES", 100_000)
    kept = Bodies(str(tmp_path), limit=100_000)
    monkeypatch.setattr("pipelines.fetch.shard.Bodies", lambda *_: kept)
    rows = []
    for number in range(200):
        web.page(f"a.demo.test/{number}", number.to_bytes(20_000))
        rows.append(row(f"http://a.demo.test/{number}", "one"))
    config = CONFIG.model_copy(update={"max_bytes": 20_000})
    task = write_captions(tmp_path, rows)
    before = pa.total_allocated_bytes()
    result = fetch_shard(task, 0, config, runtime_of(web))
    assert sum(map(len, kept._waiting.values())) < 100_000
    num_rows = 0
    for batch in result.batches:
        num_rows += batch.kept.num_rows
        assert batch.kept.num_rows <= 5
        assert pa.total_allocated_bytes() - before < 1_000_000
    shared_client(http_settings(config, 1), runtime_of(web).loopback).close()
    assert num_rows == 200
