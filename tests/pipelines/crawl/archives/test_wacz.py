import io
import random
import struct
import zipfile

import pytest

from pipelines.crawl.archives import wacz
from pipelines.crawl.archives.wacz import read_wacz
from pipelines.crawl.books import PassedOver
from pipelines.crawl.pages.page import Page
from pipelines.rejection import Rejection
from tests.support.archives import gzip_records, http_record, wacz_of

PAGES = [
    http_record(f"http://site.test/{n}", random.Random(n).randbytes(400) + b"<img>")
    for n in range(6)
]
PACKED = b"".join(gzip_records(PAGES[:3]))
PLAIN = b"".join(PAGES[3:])
MEMBERS = {
    "archive/data.warc.gz": PACKED,
    "archive/more.WARC": PLAIN,
    "pages/pages.jsonl": b"{}",
    "indexes/index.cdx.gz": b"",
    "datapackage.json": b"{}",
}


def _read(content: bytes) -> tuple[list[str], list[str], dict[str, int]]:
    """The paths of pages, the details of rejections, the counts of all else."""
    rows = list(read_wacz(io.BytesIO(content), 1 << 20))
    return (
        [row.url.removeprefix("http://site.test/") for row in rows if isinstance(row, Page)],
        [row.detail for row in rows if isinstance(row, Rejection)],
        {row.what: row.count for row in rows if isinstance(row, PassedOver)},
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_archives_in_a_zip_are_read_where_they_lie(method):
    content = wacz_of(MEMBERS, method)
    assert _read(content) == (list("012345"), [], {"other members of the zip": 3})


def test_names_that_climb_and_repeat_are_never_paths():
    content = wacz_of({"../../etc/a.warc.gz": PACKED, "/archive/ä\r\n.warc": PLAIN})
    assert _read(content)[0] == list("012345")


@pytest.mark.parametrize("size", [0, 10, 500])
def test_a_damaged_zip_is_one_rejection_in_words(size):
    pages, details, passed = _read(wacz_of(MEMBERS)[:size])
    assert (pages, passed, len(details)) == ([], {}, 1)
    assert details[0].startswith("not a zip, or a damaged one: ")


def test_a_zip_without_an_archive_says_so():
    assert _read(wacz_of({"a.txt": b"a"})) == (
        [],
        ["no WARC in the zip"],
        {"other members of the zip": 1},
    )


@pytest.mark.parametrize("damage", [bytes(99), b"\xff" * 99])
def test_damage_in_a_deflated_archive_is_noticed(damage):
    noise = [bytes(random.Random(n).choices(b"abcdefgh", k=9000)) for n in range(6)]
    pages = [http_record(f"http://site.test/{n}", body) for n, body in enumerate(noise)]
    content = bytearray(wacz_of({"archive/data.warc": b"".join(pages)}, zipfile.ZIP_DEFLATED))
    content[len(content) // 2 : len(content) // 2 + 99] = damage
    found, details, _ = _read(bytes(content))
    assert found[:2] == ["0", "1"]
    assert "a WARC in the zip is damaged" in details


def test_a_bomb_is_refused_by_what_it_declares():
    content = wacz_of({"a.warc": b"\0" * 5_000_000, "b.warc.gz": PACKED}, zipfile.ZIP_DEFLATED)
    pages, details, _ = _read(content)
    assert details == ["a WARC in the zip inflates more than 200 times"]
    assert pages == list("012")


def test_no_more_is_inflated_than_declared():
    content = bytearray(wacz_of({"a.warc": b"".join(PAGES)}, zipfile.ZIP_DEFLATED))
    at = content.rindex(b"PK\x01\x02") + 24
    struct.pack_into("<L", content, at, len(PAGES[0]))
    assert _read(bytes(content))[0] == ["0"]


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (8, 1, "is encrypted"),
        (10, 93, "is packed by method 93"),
        (20, 1 << 30, "is cut"),
        (42, 5, "is not where the zip says"),
    ],
)
def test_what_no_tool_writes_is_refused(offset, value, words):
    content = bytearray(wacz_of({"a.warc.gz": PACKED}))
    struct.pack_into(
        "<H" if offset < 20 else "<L", content, content.rindex(b"PK\x01\x02") + offset, value
    )
    pages, details, _ = _read(bytes(content))
    assert pages == []
    assert words in details[0]


def test_archives_that_overlap_are_refused():
    content = bytearray(wacz_of({"a.warc.gz": PACKED, "b.warc.gz": PACKED}))
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 42, 0)
    pages, details, _ = _read(bytes(content))
    assert pages == list("012")
    assert details == ["a WARC in the zip overlaps another one"]


def test_a_list_of_too_many_members_is_not_read(monkeypatch):
    monkeypatch.setattr(wacz, "_MAX_DIRECTORY_BYTES", 70_000)
    content = wacz_of({f"{n:0>200}": b"" for n in range(400)})
    pages, details, _ = _read(content)
    assert pages == []
    assert "its list of members is too large" in details[0]
