"""What is on a list is not requested, or not written: in no output is a byte of it."""

import hashlib
import io
import random
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from dalle_model import files
from pipelines.fetch.blocklists import BlocklistError
from pipelines.fetch.bodies import Bodies
from pipelines.fetch.config import Blocklists, FetchConfig, dependencies
from pipelines.fetch.shard import fetch_shard
from pipelines.io import parquet
from pipelines.io.finish import finish_shard
from pipelines.io.keys import pair_key
from pipelines.io.layout import RunFolder
from pipelines.io.perceptual import imagehash_phash
from pipelines.io.refusals import Refusals, digest, write_refusals
from pipelines.io.task import Stopwatch
from pipelines.web.client import close_shared_clients
from tests.pipelines.fetch.test_shard import row, runtime_of, write_captions
from tests.pipelines.io.test_perceptual import waves
from tests.support.loopback import loopback_web
from tests.support.results import whole

NUM_LISTED = 1000
NUM_EXACT, NUM_LOOKS, NUM_OTHERS = 50, 100, 100  # of what is served


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running
        close_shared_clients()


def config_of(tmp_path: Path, **lists: str) -> FetchConfig:
    paths: dict[str, tuple[str, ...]] = {}
    for kind, text in lists.items():
        (tmp_path / f"{kind}.txt").write_text(text)
        paths[kind] = (str(tmp_path / f"{kind}.txt"),)
    return FetchConfig(
        blocklists=Blocklists.model_validate(paths),
        obeys_robots=False,
        per_host_concurrency=8,
        retries=0,
    )


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def variants(image: Image.Image) -> list[bytes]:
    """The image at another size, and recompressed: no byte of it is as it was."""
    smaller = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    larger = image.resize((image.width * 3 // 2, image.height * 3 // 2), Image.Resampling.BICUBIC)
    return [encoded(smaller), encoded(larger), encoded(image, "JPEG", quality=50)]


def test_listed_images_are_found_and_written_nowhere(web, tmp_path):
    """1,000 hashes, in equal parts md5, sha256 and perceptual, of images that are all made up."""
    images = [waves(n, 96 + n % 50, 80 + n % 30) for n in range(NUM_LISTED)]
    originals = [encoded(image) for image in images]
    lines = [
        [hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(),
         f"{imagehash_phash(image):016x}"][n % 3]
        for n, (image, content) in enumerate(zip(images, originals, strict=True))
    ]  # fmt: skip
    exact = [originals[n] for n in range(NUM_LISTED) if n % 3 < 2][:NUM_EXACT]
    looks = [v for n in range(2, NUM_LISTED, 3) for v in variants(images[n])][:NUM_LOOKS]
    others = [encoded(waves(n, 90, 90)) for n in range(5000, 5000 + NUM_OTHERS)]
    rows = []
    for kind, served in (("exact", exact), ("look", looks), ("other", others)):
        for number, content in enumerate(served):
            web.page(f"h{number % 20}.demo.test/{kind}/{number}", content)
            rows.append(row(f"http://h{number % 20}.demo.test/{kind}/{number}", f"{kind} {number}"))
    config = config_of(tmp_path, hashes="\n".join(lines))
    task = write_captions(tmp_path, rows)
    result = whole(fetch_shard(task, 0, config, runtime_of(web)))
    finish_shard(task, 0, result, Stopwatch())

    hits = {r.caption: r for r in result.rejected}
    assert {f"exact {n}" for n in range(NUM_EXACT)} <= hits.keys()  # all of them
    assert {r.reason for c, r in hits.items() if c.startswith("exact")} == {"blocked_hash"}
    found = [r for c, r in hits.items() if c.startswith("look")]
    assert len(found) >= 0.95 * NUM_LOOKS
    assert {r.reason for r in found} == {"blocked_perceptual_hash"}
    assert not [c for c in hits if c.startswith("other")]

    written = parquet.read_table(task.part(0))
    kept = set(written["encoded"].to_pylist())
    caught = [*exact, *(looks[int(r.caption.split()[1])] for r in found)]
    assert kept.isdisjoint(caught)
    assert kept >= set(others)
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert others[0][60:120] in content  # PNG is not compressed any further: this finds it
    assert not [image for image in caught if image[60:120] in content]

    audit = parquet.read_table(task.rejected(0)).to_pylist()
    assert len(audit) == len(hits)
    listed = set(lines)
    for entry in audit:
        name, digits = entry["detail"].split(": ")
        assert name == "hashes.txt"
        assert digits in listed
        assert (entry["url"], entry["stage"]) == (hits[entry["caption"]].url, "fetch")


@pytest.mark.parametrize("limit", [0, 10, 1000])
def test_a_listed_image_is_not_written_where_others_are_written_meanwhile(
    web, tmp_path, monkeypatch, limit
):
    written: list[bytes] = []

    class Scratch(io.BytesIO):
        def write(self, content):
            written.append(bytes(content))
            return super().write(content)

    monkeypatch.setattr(files, "scratch", lambda _: Scratch())
    monkeypatch.setattr("pipelines.fetch.shard.Bodies", partial(Bodies, limit=limit))
    contents = [b"image %d" % n for n in range(10)]
    for number, content in enumerate(contents):
        web.page(f"ok.demo.test/{number}", content)
    rows = [row(f"http://ok.demo.test/{n}", f"{n}") for n in range(10)]
    config = config_of(tmp_path, hashes=hashlib.sha256(contents[3]).hexdigest())
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, config, runtime_of(web)))
    assert [(r.caption, r.reason) for r in result.rejected] == [("3", "blocked_hash")]
    assert set(result.kept["encoded"].to_pylist()) == {*contents} - {contents[3]}
    assert contents[3] not in written
    assert len(written) == {0: 9, 1000: 0}.get(limit, len(written))


def test_listed_hosts_and_urls_are_never_asked(web, tmp_path):
    for name in ("bad.demo.test/a", "cdn.bad.demo.test/b", "ok.demo.test/c", "ok.demo.test/d"):
        web.page(name)
    rows = [row(f"http://{name}", name) for name in (
        "bad.demo.test/a", "cdn.bad.demo.test/b", "ok.demo.test/c", "ok.demo.test/d",
    )]  # fmt: skip
    rows.append(row("http://bad.demo.test/e", "with its bytes", encoded=b"image"))
    config = config_of(tmp_path, hosts="bad.demo.test", urls="https://ok.demo.test/c")
    result = whole(fetch_shard(write_captions(tmp_path, rows), 0, config, runtime_of(web)))
    assert web.asked == ["ok.demo.test/d"]
    assert {r.caption: (r.reason, r.detail) for r in result.rejected} == {
        "bad.demo.test/a": ("blocked_host", "hosts.txt: bad.demo.test"),
        "cdn.bad.demo.test/b": ("blocked_host", "hosts.txt: bad.demo.test"),
        "ok.demo.test/c": ("blocked_url", "urls.txt: https://ok.demo.test/c"),
        "with its bytes": ("blocked_host", "hosts.txt: bad.demo.test"),
    }
    assert result.kept["caption"].to_pylist() == ["ok.demo.test/d"]


def test_a_redirect_to_what_is_listed_is_not_followed(web, tmp_path):
    web.page("bad.demo.test/image")
    web.page("ok.demo.test/listed")
    targets = {"host": "http://bad.demo.test/image", "url": "/listed"}
    for name, target in targets.items():
        web.page(f"ok.demo.test/{name}", status=302, headers=[("Location", target)])
    rows = [row(f"http://ok.demo.test/{name}", name) for name in targets]
    config = config_of(tmp_path, hosts="bad.demo.test", urls="http://ok.demo.test/listed")
    polite = config.model_copy(update={"obeys_robots": True})
    for each in (config, polite):
        result = whole(fetch_shard(write_captions(tmp_path, rows), 0, each, runtime_of(web)))
        assert {(r.caption, r.reason) for r in result.rejected} == {
            ("host", "blocked_host"), ("url", "blocked_url"),
        }  # fmt: skip
    assert not [name for name in web.asked if name.startswith("bad.") or name.endswith("/listed")]


def test_equal_shards_with_lists_in_any_order(web, tmp_path):
    hosts = [f"h{n}.demo.test" for n in range(20)]
    written = []
    for seed in range(2):
        random.Random(seed).shuffle(hosts)
        rows = [row(f"http://h{n}.demo.test/a", str(n)) for n in range(25)]
        for n in range(20, 25):
            web.page(f"h{n}.demo.test/a", b"image")
        folder = tmp_path / str(seed)
        folder.mkdir()
        task = write_captions(folder, rows)
        config = config_of(folder, hosts="\n".join(hosts))
        finish_shard(task, 0, fetch_shard(task, 0, config, runtime_of(web)), Stopwatch())
        written.append([Path(url).read_bytes() for url in (task.part(0), task.rejected(0))])
    assert written[0] == written[1]


@pytest.mark.parametrize("is_own", [True, False], ids=["own run", "list of another run"])
def test_what_was_removed_is_not_asked_for(web, tmp_path, is_own):
    """By URL, host, key and as the target of a redirect; by its hash it is asked for, not kept."""
    names = ("url", "host", "key", "from", "hash", "ok")
    urls = [f"http://{name}.demo.test/x.png" for name in names]
    for name in names:
        web.page(f"{name}.demo.test/x.png", name.encode())
    target = [("Location", "http://a.host.demo.test/y.png")]
    web.page("from.demo.test/x.png", status=302, headers=target)
    listed = {
        digest("url", "url.demo.test/x.png"),
        digest("host", "host.demo.test"),
        digest("key", pair_key(urls[2], "a caption")),
        digest("sha256", hashlib.sha256(b"hash").hexdigest()),
    }
    task = write_captions(tmp_path, [row(url, "a caption") for url in urls])
    other = RunFolder(str(tmp_path / "other"))
    write_refusals(RunFolder(task.root) if is_own else other, Refusals(frozenset(listed)))
    lists = {} if is_own else {"removed": (other.refusals,)}
    blocklists = Blocklists.model_validate(lists)
    config = FetchConfig(blocklists=blocklists, obeys_robots=False, retries=0)
    result = whole(fetch_shard(task, 0, config, runtime_of(web)))
    assert result.kept["url"].to_pylist() == [urls[5]]
    assert [rejection.reason for rejection in result.rejected] == ["removed"] * 5
    assert sorted(web.asked) == [f"{name}.demo.test/x.png" for name in ("from", "hash", "ok")]


def test_a_list_of_what_was_removed_must_be_one(tmp_path):
    with pytest.raises(BlocklistError, match=r"removed.txt: fetch.blocklists.removed: line 1 is"):
        dependencies(config_of(tmp_path, removed="bad.example"))
