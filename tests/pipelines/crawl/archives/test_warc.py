import gzip
import io
import random
import re
import zlib
from collections.abc import Callable

import pytest

from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.books import PassedOver
from pipelines.crawl.pages.page import Page
from pipelines.crawl.pages.terms import HttpTerms
from pipelines.crawl.stored import StoredImage
from pipelines.rejection import Rejection
from tests.support.archives import flip, gzip_records, http_record, warc_record
from tests.support.codings import brotli, chunked, raw_deflate, zstd
from tests.support.sources import png

LIMIT = 1 << 20
PAGES = [
    http_record(f"http://site.test/{n}", random.Random(n).randbytes(400) + b"<img>")
    for n in range(5)
]


def _passed(content: bytes) -> dict[str, int]:
    rows = read_warc(io.BytesIO(content), LIMIT)
    return {row.what: row.count for row in rows if isinstance(row, PassedOver)}


def _read(content: bytes, limit: int = LIMIT) -> list[str]:
    """The path of each page, `bad` and the path for each damaged record."""
    rows = [row for row in read_warc(io.BytesIO(content), limit) if not isinstance(row, PassedOver)]
    return [
        ("bad " if isinstance(row, Rejection) else "") + row.url.removeprefix("http://site.test/")
        for row in rows
    ]


@pytest.mark.parametrize("content", [b"".join(PAGES), b"".join(gzip_records(PAGES))])
def test_pages_of_an_archive(content):
    assert _read(content) == ["0", "1", "2", "3", "4"]


def test_many_records_in_one_gzip_member():
    assert _read(gzip.compress(b"".join(PAGES))) == ["0", "1", "2", "3", "4"]


URL = "http://site.test/x"


@pytest.mark.parametrize(
    ("record", "rows"),
    [
        (http_record(URL, b"<img>", "text/html; charset=utf-8"), ["x"]),
        (http_record(f"<{URL}>", b"<img>"), ["x"]),
        (http_record(URL, b"<img>", "application/xhtml+xml"), ["x"]),
        (http_record(URL, b" <!DOCTYPE html><img>", ""), ["x"]),
        (warc_record(URL, b"no HTTP at all"), ["bad x"]),
        (http_record("http://site.test/" + "x" * 9000, b"<img>"), ["bad " + "x" * 983]),
        (warc_record(URL, b"<img>", "resource", "text/html"), ["x"]),
        (warc_record(URL, b"<img>", "Resource", "TEXT/HTML; Charset=UTF-8"), ["x"]),
    ],
)
def test_records_that_count(record, rows):
    assert _read(record + PAGES[0]) == [*rows, "0"]
    assert _read(b"".join(gzip_records([record, PAGES[0]]))) == [*rows, "0"]
    assert _passed(record) == {}


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (http_record(URL, b"plain text", ""), "responses that are not HTML"),
        (http_record(URL, b"%PDF", "application/pdf"), "responses that are not HTML"),
        (http_record(URL, b"\x89PNG", "image/png"), "image responses"),
        (http_record(URL, b"\x89PNG", "IMAGE/PNG"), "image responses"),
        (http_record(URL, b"<img>", status="404 Not Found"), "error responses"),
        (http_record(URL, b"<img>", status="301 Moved"), "redirects"),
        (http_record(URL, b"<img>", status="206 Part"), "responses of other statuses"),
        (http_record(URL, b"<img>", kind="request"), "request records"),
        (http_record(URL, b"<img>", kind="REQUEST"), "request records"),
        (http_record(URL, b"<img>", kind="revisit"), "revisit records"),
        (http_record(URL, b"<img>", kind="invented"), "records of other types"),
        (http_record(URL, b"<img>", kind="continuation"), "records of other types"),
        (warc_record("", b"a: b", "warcinfo", "application/warc-fields"), "warcinfo records"),
        (warc_record("", b"a: b", "metadata", "application/warc-fields"), "metadata records"),
        (warc_record(URL, b"<img>", "conversion", "text/html"), "conversion records"),
        (warc_record(URL, b"\x89PNG", "resource", "image/png"), "image resources"),
        (warc_record(URL, b"a", "resource", "text/css"), "resource records"),
        (warc_record("dns:site.test", b"192.0.2.1", "response", "text/dns"), "dns responses"),
        (
            warc_record("ftp://site.test/x", b"<img>", "response", "text/html"),
            "responses of other protocols",
        ),
    ],
)
def test_what_is_passed_over_is_counted_by_kind(record, what):
    plain = [record, PAGES[0], record]
    for content in (b"".join(plain), b"".join(gzip_records(plain)), gzip.compress(b"".join(plain))):
        assert _read(content) == ["0"]
        assert _passed(content) == {what: 2}


@pytest.mark.parametrize("block_type", ["text/html", "application/octet-stream", ""])
def test_a_response_of_the_web_is_http_whatever_type_its_record_gives(block_type):
    record = http_record(URL, b"<img>").replace(b"application/http", block_type.encode())
    assert _read(record) == ["x"]
    assert _read(warc_record(URL, b"<img>", "response", block_type)) == ["bad x"]


def test_names_and_tokens_have_no_case():
    record = http_record(URL, b"<img>", "TEXT/HTML; Charset=KOI8-R", headers=["x-robots-TAG: NoAI"])
    spellings = [
        record,
        record.replace(b"Type: response", b"Type: RESPONSE"),
        record.replace(b"Type: application/http", b"Type: Application/HTTP; MsgType=Response"),
        record.replace(b"Content-Length", b"content-length"),
        record.replace(b"Content-Length", b"CONTENT-LENGTH").replace(b"WARC-T", b"warc-t"),
        record.replace(b"Content-Type: TEXT/HTML", b"CONTENT-TYPE: Text/Html"),
    ]
    for content in (b"".join(spellings), b"".join(gzip_records(spellings))):
        pages = list(read_warc(io.BytesIO(content), LIMIT))
        assert pages == [Page(URL, b"<img>", "koi8-r", HttpTerms("noai"))] * len(spellings)


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


HTML = b"<!doctype html><title>t</title><img src=/1.jpg alt='a red barn'>" * 3


CONTENT = "Content-Encoding: "
TRANSFER = "Transfer-Encoding: "
CODED: dict[tuple[str, ...], Callable[[bytes], bytes]] = {
    (CONTENT + "gzip",): gzip.compress,
    (CONTENT + "X-GZip",): gzip.compress,
    (CONTENT + "br",): brotli,
    (CONTENT + "zstd",): zstd,
    (CONTENT + "deflate",): zlib.compress,
    (CONTENT + "Deflate",): raw_deflate,
    (TRANSFER + "chunked",): chunked,
    (CONTENT + "gzip", TRANSFER + "Chunked"): lambda body: chunked(gzip.compress(body)),
    (CONTENT + "gzip, br",): lambda body: brotli(gzip.compress(body)),
    (CONTENT + "gzip", CONTENT + "br"): lambda body: brotli(gzip.compress(body)),
    (CONTENT + "br, utf-8",): brotli,
}


@pytest.mark.parametrize("body", [HTML, b"\n<!-- x --><img>", b"text <b>first</b>", b"\xff\xfe<\0"])
@pytest.mark.parametrize("headers", CODED)
def test_a_page_is_read_with_and_without_the_coding_of_its_headers(headers, body):
    stored = [CODED[headers](body), body]
    records = [http_record(f"{URL}{n}", b, headers=headers) for n, b in enumerate(stored)]
    for content in (b"".join(records), gzip.compress(b"".join(records))):
        pages = [row for row in read_warc(io.BytesIO(content), LIMIT) if isinstance(row, Page)]
        assert [page.html for page in pages] == [body, body]


def test_one_of_two_codings_may_be_missing():
    headers = [CONTENT + "gzip", TRANSFER + "chunked"]
    for body in (gzip.compress(HTML), chunked(HTML)):
        (page,) = read_warc(io.BytesIO(http_record(URL, body, headers=headers)), LIMIT)
        assert isinstance(page, Page)
        assert page.html == HTML


@pytest.mark.parametrize("coding", ["utf-8", "aws-chunked", "none", "identity", ""])
def test_a_coding_that_is_none_is_passed_over(coding):
    record = http_record(URL, b"any text", headers=[CONTENT + coding])
    (page,) = read_warc(io.BytesIO(record), LIMIT)
    assert isinstance(page, Page)
    assert page.html == b"any text"


def test_a_chunk_size_damaged_midway_costs_no_page():
    whole = chunked(HTML)
    body = whole.replace(b"\r\n32\r\n", b"\r\nzz\r\n", 1)
    assert body != whole
    record = http_record(URL, body, headers=[TRANSFER + "chunked"])
    (page,) = read_warc(io.BytesIO(record), LIMIT)
    assert isinstance(page, Page)
    assert page.html.startswith(HTML[:50])
    assert HTML[-20:] in page.html


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_what_is_neither_coded_nor_a_page_says_so(coding):
    record = http_record(URL, b"\xff\x00\x01 neither" * 20, headers=[CONTENT + coding])
    (row,) = read_warc(io.BytesIO(record), LIMIT)
    assert isinstance(row, Rejection)
    assert (row.reason, row.detail) == ("bad_record", f"header says {coding}, body is not")


def _bad_ones(record: bytes) -> list[bytes]:
    """A record damaged in several ways."""
    return [
        record.replace(b"WARC/1.0", b"XXXX/1.0"),
        record.replace(b"Content-Length", b"Content-Width", 1),
        record.replace(b"WARC/1.0\r\n", b"WARC/1.0\n"),
        record.replace(b"Content-Length: ", b"Content-Length: 9", 1),
        record.replace(b"Content-Length: ", b"Content-Length: -", 1),
        re.sub(rb"(\r\nContent-Length: \d)\d", rb"\1", record, count=1),
        record[:-90],
        b"some other text\r\n" * 9 + b"\r\n",
    ]


@pytest.mark.parametrize("way", range(8))
@pytest.mark.parametrize("place", range(9))
def test_after_a_bad_record_the_others_are_read(place, way):
    records = [http_record(f"http://site.test/{n}", HTML) for n in range(9)]
    records[place] = _bad_ones(records[place])[way]
    others = [str(n) for n in range(9) if n != place]
    for content in (b"".join(records), gzip.compress(b"".join(records))):
        rows = _read(content)
        read = [row for row in rows if not row.startswith("bad") and row != str(place)]
        assert read == others
        assert str(place) in rows or any(row.startswith("bad") for row in rows)


@pytest.mark.parametrize("place", range(1, 9))
def test_damage_in_the_stream_costs_only_what_cannot_be_inflated(place):
    records = [http_record(f"http://site.test/{n}", _noise(n)) for n in range(9)]
    before = len(gzip.compress(b"".join(records[:place])))
    content = gzip.compress(b"".join(records))
    content = content[: before + 600] + bytes(99) + content[before + 699 :]
    rows = _read(content + b"".join(gzip_records(PAGES)))
    assert rows[:place] == [str(n) for n in range(place)]
    assert "bad " in rows
    assert rows[-5:] == ["0", "1", "2", "3", "4"]


def _noise(seed: int) -> bytes:
    return b"<html>" + bytes(random.Random(seed).choices(b"abcdefghij", k=9000))


def test_a_wrong_checksum_of_many_records_costs_none():
    content = flip(gzip.compress(b"".join(PAGES)), -6)
    assert _read(content) == ["0", "1", "2", "3", "4", "bad "]


def test_a_record_too_large_to_hold_within_one_member():
    large = http_record("http://site.test/l", random.Random(1).randbytes(18 << 20), "image/png")
    content = gzip.compress(b"".join([*PAGES[:2], large, *PAGES[2:]]), 1)
    assert _read(content) == ["0", "1", "2", "3", "4"]
    assert _passed(content) == {"image responses": 1}


@pytest.mark.parametrize("content", [b"".join(map(zstd, PAGES)), zstd(b"".join(PAGES))])
def test_an_archive_packed_by_zstd(content):
    assert _read(content) == ["0", "1", "2", "3", "4"]
    cut = _read(content[:-5])
    assert cut[:3] == ["0", "1", "2"]
    assert cut[-1] == "bad "


@pytest.mark.parametrize(
    "line", ["HTTP/1.1 200", "http/1.1 200 ok", "HTTP/1.1  200 OK", "HTTP/2 200", "ICY 200 OK"]
)
def test_status_lines_of_all_kinds(line):
    block = f"{line}\r\nContent-Type: text/html\r\n\r\n<img>".encode()
    assert _read(warc_record(URL, block)) == ["x"]


@pytest.mark.parametrize(
    "block",
    [
        b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n<img>",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: a\n\n<img>",
    ],
)
def test_a_page_taken_for_its_header_is_not_lost_in_silence(block):
    (row,) = read_warc(io.BytesIO(warc_record(URL, block)), LIMIT)
    assert isinstance(row, Rejection)
    assert row.detail == "no blank line after the HTTP header"


def _images(content: bytes, limit: int = 10_000) -> dict[str, bytes]:
    rows = list(read_warc(io.BytesIO(content), 1000, max_image_bytes=limit))
    return {row.url: row.encoded for row in rows if isinstance(row, StoredImage)}


def test_images_are_stored_images_without_the_codings_of_their_transfer():
    image, url = png(1), "http://site.test/{}.png"
    packed = ["Content-Encoding: gzip"]
    records = [
        http_record(url.format("plain"), image, "image/png"),
        http_record(url.format("chunked"), chunked(image), "IMAGE/PNG; x=y",
                    headers=["Transfer-Encoding: chunked"]),
        http_record(url.format("gzip"), gzip.compress(image), "image/png", headers=packed),
        http_record(url.format("said"), image, "image/png", headers=packed),
        warc_record(url.format("resource"), image, "resource", "image/png"),
    ]  # fmt: skip
    expected = {
        url.format(name): image for name in ("plain", "chunked", "gzip", "said", "resource")
    }
    for content in (b"".join(records), b"".join(gzip_records(records))):
        assert _images(content) == expected


def test_what_is_no_usable_image_is_counted_and_left_to_the_web():
    image, url = png(1), "http://site.test/a.png"
    records = [
        http_record(url, image, "image/png", status="404 Not Found"),
        http_record(url, image, "image/png", status="206 Partial Content"),
        http_record(url, image, "image/png", kind="revisit"),
        http_record(url, b"<!doctype html>", "image/png"),
        http_record(url, gzip.compress(image)[:-20], "image/png",
                    headers=["Content-Encoding: gzip"]),
        http_record("urn:x", image, "image/png"),
    ]  # fmt: skip
    for record in records:
        assert _images(record + PAGES[0]) == {}
    assert _images(http_record(url, image, "image/png"), len(image)) == {url: image}
    assert _images(http_record(url, image, "image/png"), len(image) - 1) == {}


def test_a_damaged_image_is_one_bad_record_and_no_image():
    members = gzip_records(
        [http_record("http://site.test/a.png", png(1, 64), "image/png"), PAGES[0]]
    )
    content = flip(members[0], len(members[0]) - 20) + members[1]
    rows = list(read_warc(io.BytesIO(content), 1000, max_image_bytes=10_000))
    assert not [row for row in rows if isinstance(row, StoredImage)]
    assert [row.reason for row in rows if isinstance(row, Rejection)] == ["bad_record"]
    assert [row.html for row in rows if isinstance(row, Page)]
