import io
import json
import pickle
import tarfile

import pytest

from pipelines.crawl.images.image import MAX_TEXT_BYTES, Image
from pipelines.crawl.images.tars import read_tar, tar_extent
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE
from pipelines.rejection import Rejection
from tests.support.sources import tar_of

LIMIT = 1000
SOURCE = Source(path="t")


def _rows(content: bytes, source: Source = SOURCE) -> list[Image | Rejection]:
    return list(read_tar(io.BytesIO(content), "t.tar", source, LIMIT))


def _captions(members: list[tuple[str, bytes]], **settings) -> list[str]:
    """Caption of each image, reason of each rejection."""
    rows = _rows(tar_of(members), Source(path="t", **settings))
    return [r.reason if isinstance(r, Rejection) else r.found.caption for r in rows]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("a.jpg", b"p"), ("a.txt", b"\xef\xbb\xbfa barn\r\n")], ["a barn"]),
        ([("a.txt", b"a barn"), ("a.WEBP", b"p")], ["a barn"]),
        ([("a.jpg", b"p"), ("a.json", b'{"caption": "from json"}')], ["from json"]),
        ([("a.gif", b"p"), ("a.json", b'{"TEXT": ["one", "two"]}')], ["one", "two"]),
        ([("a.jpg", b"p"), ("a.json", b'{"caption": "j"}'), ("a.txt", b"t")], ["j"]),
        ([("a.jpg", b"p"), ("a.json", b'{"n": 1}'), ("a.txt", b"two\nlines")], ["two\nlines"]),
        ([("a.jpg", b"p"), ("a.cls", b"3")], [""]),
        ([("x/a.jpg", b"p"), ("y/a.txt", b"other")], ["", "no_picture"]),
        ([("a.jpg", b"p"), ("b.txt", b"t"), ("a.txt", b"t")], ["", "no_picture", "no_picture"]),
        ([("a.seg.png", b"p"), ("a.jpg", b"q"), ("a.txt", b"t")], ["t"]),
        ([("a.jpg", b"p"), ("a.txt", b"t"), ("a.jpg", b"q"), ("a.txt", b"u")], ["t", "u"]),
        ([("a.jpg", b"p"), ("a.json", b"{"), ("b.jpg", b"p"), ("b.txt", b"b")],
         ["bad_metadata", "b"]),
        ([("a.jpg", b"p"), ("a.json", b"[1]")], ["bad_metadata"]),
        ([("a.jpg", b"p"), ("a.json", b"[" * 100_000)], ["bad_metadata"]),
        ([("a.jpg", b"p"), ("a.txt", b"x" * (MAX_TEXT_BYTES + 1))], ["bad_metadata"]),
        ([("README.md", b"read"), ("data", b"x"), ("._a.jpg", b"mac")], []),
    ],
)  # fmt: skip
def test_samples(members, expected):
    assert _captions(members) == expected


def test_keys_of_the_json_are_mapped_like_columns():
    document = json.dumps({"words": "a barn", "link": "http://site.test/a.jpg", "license": "CC0"})
    content = tar_of([("a.jpg", b"p"), ("a.json", document.encode())])
    (row,) = _rows(content, Source(path="t", caption_column="words", url_column="link", name="s"))
    assert isinstance(row, Image)
    found = row.found
    assert (found.caption, found.raw_url, found.license) == (
        "a barn", "http://site.test/a.jpg", "CC0",
    )  # fmt: skip
    assert (found.source, found.text_source) == ("s", "file")


def test_the_blob_of_an_image_is_the_range_of_its_bytes():
    content = tar_of([("a.jpg", b"picture"), ("a.txt", b"t")], tarfile.PAX_FORMAT)
    (row,) = _rows(content)
    assert isinstance(row, Image)
    assert row.blob is not None
    location, offset, length = row.blob
    assert location == "t.tar"
    assert content[offset : offset + length] == b"picture" == row.encoded


def test_a_gzipped_tar_has_no_blobs_and_is_one_piece():
    packed = tar_of([("a.jpg", b"picture"), ("a.txt", b"t")], mode="w:gz")
    (row,) = _rows(packed)
    assert isinstance(row, Image)
    assert (row.encoded, row.blob) == (b"picture", None)
    assert tar_extent(io.BytesIO(packed)) == WHOLE


def test_a_cut_gzipped_tar_keeps_what_came_before():
    members = [
        (f"{n}.{s}", bytes([n, i] * 150)) for n in range(9) for i, s in enumerate(["jpg", "txt"])
    ]
    rows = _rows(tar_of(members, mode="w:gz")[:-80])
    assert isinstance(rows[0], Image)
    assert [(r.reason, r.detail) for r in rows if isinstance(r, Rejection)] == [
        ("bad_record", "damaged compression")
    ]


def test_a_large_image_is_not_read():
    (row,) = _rows(tar_of([("a.jpg", b"x" * (LIMIT + 1)), ("a.txt", b"t")]))
    assert isinstance(row, Image)
    assert (row.encoded, row.num_bytes) == (b"", LIMIT + 1)


@pytest.mark.parametrize("keep", [512 + 10, 512, 4 * 512 + 3])
def test_a_tar_that_ends_within_a_file(keep):
    content = tar_of([("a.jpg", b"x" * 600), ("a.txt", b"a caption")])
    (row,) = _rows(content[:keep])
    assert isinstance(row, Rejection)
    assert row.reason == "bad_record"


def test_hostile_members_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, link in [("a.jpg", "secret.jpg"), ("b.jpg", "/etc/passwd")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
        for name, content in [
            ("a.txt", b"of a link"),
            ("../../c.jpg", b"p"),
            ("../../c.txt", b"up"),
            ("/etc/d.jpg", b"p"),
            ("/etc/d.txt", b"root"),
            ("pipe:touch owned; .jpg", b"p"),
            ("pipe:touch owned; .txt", b"pipe"),
            ("e.pkl", pickle.dumps(print)),
            ("e.pth", b"cos\nsystem\n(S'touch owned'\ntR."),
            ("e.jpg", b"p"),
            ("e.txt", b"pickled"),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    rows = _rows(sink.getvalue())
    assert [r.reason if isinstance(r, Rejection) else r.found.caption for r in rows] == [
        "no_picture", "up", "root", "pipe", "pickled",
    ]  # fmt: skip
    assert b"secret" not in {r.encoded for r in rows if isinstance(r, Image)}
    assert [path.name for path in tmp_path.iterdir()] == ["secret.jpg"]
