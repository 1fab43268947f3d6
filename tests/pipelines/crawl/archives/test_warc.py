import gzip
import io
import random

import pytest

from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.pages.page import Page
from pipelines.crawl.pages.terms import HttpTerms
from pipelines.rejection import Rejection
from tests.support.archives import flip, gzip_records, http_record, warc_record

LIMIT = 1 << 20
PAGES = [
    http_record(f"http://site.test/{n}", random.Random(n).randbytes(400) + b"<img>")
    for n in range(5)
]


def _read(content: bytes, limit: int = LIMIT) -> list[str]:
    """The path of each page, `bad` and the path for each damaged record."""
    rows = read_warc(io.BytesIO(content), limit)
    return [
        ("bad " if isinstance(row, Rejection) else "") + row.url.removeprefix("http://site.test/")
        for row in rows
    ]


@pytest.mark.parametrize("content", [b"".join(PAGES), b"".join(gzip_records(PAGES))])
def test_pages_of_an_archive(content):
    assert _read(content) == ["0", "1", "2", "3", "4"]


def test_many_records_in_one_gzip_member():
    assert _read(gzip.compress(b"".join(PAGES))) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("record", "rows"),
    [
        (http_record("http://site.test/x", b"<img>", "text/html; charset=utf-8"), ["x"]),
        (http_record("<http://site.test/x>", b"<img>"), ["x"]),
        (http_record("http://site.test/x", b"<img>", "application/xhtml+xml"), ["x"]),
        (http_record("http://site.test/x", b" <!DOCTYPE html><img>", ""), ["x"]),
        (http_record("http://site.test/x", b"plain text", ""), []),
        (http_record("http://site.test/x", b"\x89PNG", "image/png"), []),
        (http_record("http://site.test/x", b"<img>", status="404 Not Found"), []),
        (http_record("http://site.test/x", b"<img>", status="301 Moved"), []),
        (http_record("http://site.test/x", b"<img>", kind="request"), []),
        (http_record("http://site.test/x", b"<img>", kind="revisit"), []),
        (warc_record("", b"software: test", "warcinfo", "application/warc-fields"), []),
        (warc_record("dns:site.test", b"192.0.2.1", "response", "text/dns"), []),
        (warc_record("http://site.test/x", b"no HTTP at all"), ["bad x"]),
        (http_record("http://site.test/" + "x" * 9000, b"<img>"), ["bad " + "x" * 983]),
    ],
)
def test_records_that_count(record, rows):
    assert _read(record + PAGES[0]) == [*rows, "0"]
    assert _read(b"".join(gzip_records([record, PAGES[0]]))) == [*rows, "0"]


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_page_is_read_up_to_one_byte_above_the_limit(encoding):
    body = b"<img>" * 100_000
    headers = [f"Content-Encoding: {encoding}"] if encoding else []
    record = http_record(
        "http://site.test/x", gzip.compress(body) if encoding else body, headers=headers
    )
    (page,) = read_warc(io.BytesIO(record), 1000)
    assert isinstance(page, Page)
    assert page.html == body[:1001]


def test_headers_reach_the_page():
    record = http_record(
        "http://site.test/x",
        b"<img>",
        "text/html; charset=koi8-r",
        headers=[
            "X-Robots-Tag: otherbot: noai",
            "x-robots-tag: noindex, noimageai",
            "content-language: ru",
        ],
    )
    (page,) = read_warc(io.BytesIO(record), LIMIT)
    assert isinstance(page, Page)
    assert (page.charset, page.http_terms) == ("koi8-r", HttpTerms("noimageai", "ru"))
    reserved = http_record("http://site.test/x", b"<img>", headers=["TDM-Reservation: 1"])
    (page,) = read_warc(io.BytesIO(reserved), LIMIT)
    assert isinstance(page, Page)
    assert page.http_terms == HttpTerms("tdm-reservation")


@pytest.mark.parametrize("position", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("offset", [12, 200, -6])
def test_a_corrupt_gzip_member_costs_one_record(position, offset):
    members = gzip_records(PAGES)
    members[position] = flip(members[position], offset)
    rows = _read(b"".join(members))
    assert sum(row.startswith("bad") for row in rows) == 1
    assert [row for row in rows if not row.startswith("bad")] == [
        str(n) for n in range(5) if n != position
    ]


def test_two_corrupt_members_count_the_same_side_by_side_and_apart():
    members = gzip_records(PAGES)
    members[1], members[2] = flip(members[1], 200), flip(members[2], 200)
    together = _read(b"".join(members))
    apart = _read(b"".join([members[1], members[0], members[3], members[2], members[4]]))
    assert sorted(together) == sorted(apart)
    assert sorted(together)[-2:] == ["bad ", "bad "]


def test_damage_late_in_a_large_member():
    large = http_record("http://site.test/9", random.Random(9).randbytes(300_000))
    members = gzip_records([PAGES[0], large, PAGES[1]])
    members[1] = flip(members[1], 200_000)
    assert _read(b"".join(members)) == ["0", "bad 9", "1"]


@pytest.mark.parametrize("compresses", [False, True])
def test_a_truncated_archive_keeps_what_came_before(compresses):
    records = gzip_records(PAGES) if compresses else PAGES
    rows = _read(b"".join(records)[:-300])
    assert rows[:4] == ["0", "1", "2", "3"]
    assert [row[:3] for row in rows[4:]] == ["bad"]


def test_rubbish_between_records_is_one_bad_record():
    plain = [*PAGES[:2], b"rubbish\r\n" * 50 + b"\r\n\r\n", *PAGES[2:]]
    assert _read(b"".join(plain)).count("bad ") <= 1
    assert [r for r in _read(b"".join(plain)) if r != "bad "] == ["0", "1", "2", "3", "4"]
    packed = [*gzip_records(PAGES[:2]), b"rubbish" * 50, *gzip_records(PAGES[2:])]
    assert [r for r in _read(b"".join(packed)) if r != "bad "] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_body_that_cannot_be_decoded(encoding):
    body = gzip.compress(b"<img>" * 100)[:-20]
    record = http_record("http://site.test/x", body, headers=[f"Content-Encoding: {encoding}"])
    assert _read(record + PAGES[0]) == ["bad x", "0"]


@pytest.mark.parametrize("content", [b"<html><img></html>" * 100, b"\x1f\x8b\x08junk", b"PAR1"])
def test_something_else_than_an_archive_is_one_bad_record(content):
    assert _read(content) == ["bad "]


def test_an_empty_file_has_no_records():
    assert _read(b"") == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_record_without_a_length_is_never_passed_over_in_silence(place):
    records = [http_record(f"http://site.test/{n}", b"<html>") for n in range(3)]
    records[place] = records[place].replace(b"Content-Length", b"Content-Width", 1)
    for content in (b"".join(records), b"".join(gzip_records(records))):
        pages = list(read_warc(io.BytesIO(content), 1000))
        assert [isinstance(page, Rejection) for page in pages] == [n == place for n in range(3)]


def test_line_ends_of_another_system_are_a_bad_record():
    records = [http_record(f"http://site.test/{n}", b"<html>") for n in range(3)]
    content = b"".join(records).replace(b"\r\n", b"\n")
    (row,) = read_warc(io.BytesIO(content), 1000)
    assert isinstance(row, Rejection)
