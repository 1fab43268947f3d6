"""The entries of block-lists, and what is a hit."""

import hashlib
import io

import numpy as np
import pytest

from pipelines.fetch.blocklists import Blocked, BlocklistError, read_blocklists
from pipelines.fetch.config import Blocklists, FetchConfig, dependencies
from pipelines.fetch.stage import STAGE
from pipelines.io.perceptual import imagehash_phash
from pipelines.rejection import Check
from pipelines.stage import plain_settings
from pipelines.web.failures import FetchFailure, Reason
from tests.pipelines.io.test_perceptual import waves
from tests.support.loopback import loopback_web

HOSTS = """\
\ufeff# of last year
Bad.Example  # a comment

*.worse.example
192.0.2.1
münchen.example
"""
URLS = "https://ok.example/a%7Eb.jpg\nHTTP://ok.example:80/x/../y.jpg?q=1#part\n"
MD5, SHA256 = hashlib.md5(b"image").hexdigest(), hashlib.sha256(b"other").hexdigest()


def blocked(tmp_path, max_hamming=8, **texts: str) -> Blocked:
    lists: dict[str, tuple[str, ...]] = {}
    tmp_path.mkdir(exist_ok=True)
    for kind, text in texts.items():
        (tmp_path / f"{kind}.txt").write_text(text)
        lists[kind] = (str(tmp_path / f"{kind}.txt"),)
    return read_blocklists(
        Blocklists.model_validate({**lists, "max_hamming": max_hamming}), str(tmp_path)
    )


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("http://bad.example/a.jpg", "hosts.txt: Bad.Example"),
        ("https://cdn.img.bad.example:8443/a.jpg", "hosts.txt: Bad.Example"),
        ("http://worse.example/", "hosts.txt: *.worse.example"),
        ("http://a.worse.example/", "hosts.txt: *.worse.example"),
        ("http://192.0.2.1/a", "hosts.txt: 192.0.2.1"),
        ("http://xn--mnchen-3ya.example/", "hosts.txt: münchen.example"),
        ("http://notbad.example/a.jpg", ""),
        ("http://example/", ""),
        ("http://bad.example.org/", ""),
        ("urn:sha256:00", ""),
    ],
)
def test_a_host_stands_for_all_names_below_it(tmp_path, url, detail):
    found = blocked(tmp_path, hosts=HOSTS).refusal(url)
    assert found == (FetchFailure(Reason.BLOCKED_HOST, detail) if detail else None)


@pytest.mark.parametrize(
    ("url", "is_hit"),
    [
        ("https://ok.example/a~b.jpg", True),
        ("http://ok.example/a~b.jpg", True),
        ("http://ok.example/y.jpg?q=1", True),
        ("http://ok.example/y.jpg", False),
        ("http://www.ok.example/a~b.jpg", False),
        ("http://ok.example:8080/a~b.jpg", False),
    ],
)
def test_urls_are_compared_in_canonical_form(tmp_path, url, is_hit):
    found = blocked(tmp_path, urls=URLS).refusal(url)
    assert (found is not None) == is_hit
    if found is not None:
        assert found.reason == Reason.BLOCKED_URL
        assert found.detail.startswith("urls.txt: ")


def test_exact_hashes_are_those_of_the_bytes(tmp_path):
    lists = blocked(tmp_path, hashes=f"{MD5.upper()}\nsha256:{SHA256} # the other\n")
    assert lists.of_bytes(b"image") == Check(
        "blocked_hash", False, detail=f"hashes.txt: {MD5.upper()}"
    )
    assert lists.of_bytes(b"other") == Check(
        "blocked_hash", False, detail=f"hashes.txt: sha256:{SHA256}"
    )
    assert lists.of_bytes(b"neither") is None


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    waves(seed, 90, 60).save(buffer, "PNG")
    return buffer.getvalue()


def test_perceptual_hashes_are_those_nearby(tmp_path):
    near, far = imagehash_phash(waves(1, 90, 60)) ^ 0b111, 0
    lists = blocked(tmp_path, 3, hashes=f"{far:016x}\n{near:016x}\n")
    assert lists.of_bytes(png(1)) == Check(
        "blocked_perceptual_hash", False, 3.0, 3.0, f"hashes.txt: {near:016x}"
    )
    assert lists.of_bytes(png(2)) is None
    assert blocked(tmp_path / "x", 2, hashes=f"{near:016x}").of_bytes(png(1)) is None


def test_what_cannot_be_looked_at_is_not_kept_where_looks_are_listed(tmp_path):
    lists = blocked(tmp_path, hashes="0" * 16)
    assert lists.of_bytes(b"<svg/>") == Check(
        "perceptual_hash_unknown", False, detail="not decoded: UnidentifiedImageError"
    )


def test_without_lists_nothing_is_a_hit_and_nothing_is_decoded():
    lists = read_blocklists(Blocklists(), "")
    assert lists.refusal("http://bad.example/") is None
    assert lists.of_bytes(b"not an image") is None
    assert lists.looks.dtype == np.uint64


@pytest.mark.parametrize(
    ("kind", "line", "why"),
    [
        ("hosts", "http://bad.example/", "a host alone is expected"),
        ("hosts", "bad.example:80", "a host alone is expected"),
        ("hosts", "0.0.0.0 bad.example", "not a host name"),
        ("urls", "bad.example/a.jpg", "is not http or https"),
        ("urls", "ftp://bad.example/a", "is not http or https"),
        ("hashes", "abc", r"hexadecimal digits are expected, of md5 \(32\), sha256 \(64\), phash"),
        ("hashes", f"sha256:{MD5}", "hexadecimal digits are expected"),
        ("hashes", f"pdq:{SHA256}", "PDQ is not supported; list the `phash`"),
    ],
)
def test_a_bad_line_is_named(tmp_path, kind, line, why):
    with pytest.raises(BlocklistError, match=rf"{kind}\.txt:3: .*fetch.blocklists.{kind}: .*{why}"):
        blocked(tmp_path, **{kind: f"# a comment\n\n{line}\n"})


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        BlocklistError, match=r"blocklists.hosts: .*none\.txt cannot be read: FileN"
    ):
        read_blocklists(Blocklists(hosts=(str(tmp_path / "none.txt"),)), "")
    with pytest.raises(BlocklistError, match=r"hosts\[0\]: nope://x cannot be read"):
        dependencies(FetchConfig(blocklists=Blocklists(hosts=("nope://x",))))


def test_the_content_of_a_list_is_in_the_fingerprint_and_its_place_is_not(tmp_path):
    found = []
    for name, text in (("a", "x.example"), ("b", "x.example"), ("b", "y.example")):
        path = tmp_path / name / "hosts.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        config = FetchConfig(blocklists=Blocklists(hosts=(str(path),)))
        found.append((STAGE.settings(config), STAGE.dependencies(config, {})))
    assert found[0] == found[1] != found[2]
    assert "blocklists.hosts[0]" in found[0][1]
    plain = plain_settings(FetchConfig()) | {"blocklists": {"max_hamming": 8}}
    for changes_no_row in ("host_buckets", "max_images_per_host", "deadline_s"):  # or is not set
        del plain[changes_no_row]
    assert found[0][0] == plain


def test_relative_paths_are_counted_from_the_config():
    config = FetchConfig(blocklists=Blocklists(hosts=("a.txt", "s3://b/c.txt"), hashes=("/d",)))
    lists = STAGE.relocate(config, "/conf").blocklists
    assert (lists.hosts, lists.hashes) == (("/conf/a.txt", "s3://b/c.txt"), ("/d",))


def test_lists_are_read_once_in_a_process(tmp_path):
    path = tmp_path / "hosts.txt"
    path.write_text("x.example")
    config = Blocklists(hosts=(str(path),))
    first = read_blocklists(config, "one")
    path.write_text("y.example")
    assert read_blocklists(config, "one") is first
    assert read_blocklists(config, "two").hosts == {"y.example": "hosts.txt: y.example"}


def test_a_list_can_be_read_from_the_web():
    with loopback_web() as web:
        web.page("127.0.0.1/hosts.txt", b"x.example\n")
        url = f"http://127.0.0.1:{web.port}/hosts.txt"
        lists = read_blocklists(Blocklists(hosts=(url,)), "of the web")
        assert lists.hosts == {"x.example": "hosts.txt: x.example"}
        gone = Blocklists(hosts=(f"http://127.0.0.1:{web.port}/none.txt",))
        with pytest.raises(BlocklistError, match=r"none\.txt cannot be read: FileNotFoundError"):
            read_blocklists(gone, "of the web")
