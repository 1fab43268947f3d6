"""What was removed is known again by its digest, and is in no list itself."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.io.keys import image_part, local_pair_key, pair_key
from pipelines.io.layout import RunFolder
from pipelines.io.refusals import (
    Named,
    Refusals,
    digest,
    named_in,
    read_refusals,
    refusals_of,
    removed_rows,
    write_refusals,
)

URL, PAGE = "http://img.bad.example/a.jpg", "https://blog.example/post?id=1"
SHA256, MD5 = hashlib.sha256(b"image").hexdigest(), hashlib.md5(b"image").hexdigest()


def refusing(*pairs) -> Refusals:
    return Refusals(frozenset(digest(kind, value) for kind, value in pairs))


def table(**columns) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("kind", "value", "url", "is_refused"),
    [
        ("url", "img.bad.example/a.jpg", URL, True),
        ("url", "img.bad.example/a.jpg", "HTTPS://IMG.bad.example:443/x/../a.jpg", True),
        ("url", "img.bad.example/a.jpg", "http://img.bad.example/a.jpg?", True),
        ("url", "img.bad.example/a.jpg", "http://img.bad.example/a.jpg?q=1", False),
        ("host", "bad.example", URL, True),
        ("host", "bad.example", "http://bad.example:8080/", True),
        ("host", "bad.example", "http://notbad.example/", False),
        ("host", "bad.example", "http://bad.example.org/", False),
        ("host", "bad.example", "http://[", False),
        ("host", "bad.example", "", False),
    ],
)
def test_urls_are_compared_as_their_canonical_forms(kind, value, url, is_refused):
    refusals = refusing((kind, value))
    assert [refusals.has_url(url), refusals.has_url(url)] == [is_refused] * 2


def test_a_key_is_that_of_a_pair_or_of_an_image():
    key = pair_key(URL, "a")
    assert refusing(("key", key)).has_key(key)
    assert refusing(("image", key[:24])).has_key(key)
    assert not refusing(("key", pair_key(URL, "b"))).has_key(key)


def test_bytes_are_known_by_either_hash():
    for refusals in (refusing(("md5", MD5)), refusing(("sha256", SHA256))):
        assert refusals.has_bytes(b"image")
        assert not refusals.has_bytes(b"other")


def test_an_image_names_all_its_pairs_and_a_page_those_that_it_holds():
    keys = [pair_key(URL, "a"), pair_key(URL, "b"), pair_key("http://x.test/", "a")]
    rows = table(key=keys, url=[URL, URL, "http://x.test/"], page_url=["", PAGE, PAGE])
    of_image = named_in(rows, refusing(("url", "img.bad.example/a.jpg")))
    assert of_image == Named(images=frozenset({image_part(URL.encode())}))
    assert of_image.mask(rows["key"]).to_pylist() == [True, True, False]
    of_page = named_in(rows, refusing(("host", "blog.example")))
    assert of_page == Named(keys=frozenset(keys[1:]))
    assert of_page.mask(rows["key"]).to_pylist() == [False, True, True]


def test_a_url_beside_bytes_names_the_pair_alone():
    keys = [local_pair_key(b"image", text) for text in "ab"]
    rows = table(key=keys, url=[URL, "http://x.test/"])
    assert named_in(rows, refusing(("url", "img.bad.example/a.jpg"))).keys == {keys[0]}


def test_hashes_in_columns_name_images():
    keys = [pair_key(f"http://x.test/{n}", "a") for n in range(3)]
    declared = ["", f"md5:{MD5}", ""]
    rows = table(key=keys, sha256=[SHA256, None, "00" * 32], declared_hash=declared)
    found = named_in(rows, refusing(("sha256", SHA256), ("md5", MD5)))
    assert found.images == {key[:24] for key in keys[:2]}


def test_the_detail_of_a_rejection_may_be_the_page():
    rows = table(key=["k" * 40] * 2, url=["http://x.test/"] * 2, detail=[PAGE, "0" * 40])
    assert named_in(rows, refusing(("url", "blog.example/post?id=1"))).keys == {"k" * 40}


def test_a_list_is_read_back_and_holds_no_value(tmp_path):
    run = RunFolder(str(tmp_path))
    assert not refusals_of(run)
    refusals = refusing(("url", "img.bad.example/a.jpg"), ("host", "blog.example"))
    write_refusals(run, refusals)
    assert refusals_of(run) == refusals
    text = Path(run.refusals).read_text()
    assert "example" not in text
    assert sorted(text.splitlines()[1:]) == text.splitlines()[1:] == sorted(refusals.digests)


def test_a_line_that_is_no_digest_is_named(tmp_path):
    (tmp_path / "list.txt").write_text(f"# head\n{SHA256}\nbad.example\n")
    with pytest.raises(ValueError, match="line 3"):
        read_refusals(str(tmp_path / "list.txt"))


def test_removed_rows_are_counted_and_say_nothing():
    one, other = removed_rows(2, "crawl")
    assert one == other
    assert (one.key, one.url, one.caption, one.reason) == ("", "", "", "removed")
