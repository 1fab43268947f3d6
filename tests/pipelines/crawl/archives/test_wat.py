import io
import json
from typing import Any

import pytest

from pipelines.crawl.archives.wat import read_wat
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pages.html import extract
from pipelines.crawl.sources import Source
from pipelines.rejection import Rejection
from tests.support.archives import flip, gzip_records, warc_record, wat_record, wat_record_of

PAGE = "http://site.test/dir/page.html"
CONFIG = CrawlConfig(sources=(Source(path="unused"),), max_page_bytes=100_000)
IMAGE = {"path": "IMG@/src", "url": "a.jpg", "alt": "a red barn"}
RECORDS = [wat_record(f"{PAGE}?{n}", {"Links": [IMAGE]}) for n in range(5)]


def _rows(content: bytes, **settings) -> list[Found | Rejection | PassedOver]:
    config = CONFIG.model_copy(update=settings)
    return list(read_wat(io.BytesIO(content), config, "mine"))


def _one(html, **options) -> Found:
    (row,) = _rows(wat_record(PAGE, html, **options))
    assert isinstance(row, Found)
    return row


def test_every_image_of_a_page_is_found():
    links = [
        {"path": "A@/href", "url": "/x", "text": "a link"},
        {"path": "IMG@/src", "url": " a.jpg ", "alt": "a red barn", "title": "t"},
        {"path": "IMG@/src", "url": "b.jpg", "title": "a title"},
        {"path": "IMG@/src", "url": "c.jpg", "alt": " "},
        {"path": "IMG@/longdesc", "url": "d.txt"},
        {"path": "STYLE/#text", "href": "e.png"},
        {"path": "LI@/data-href", "url": "f.html"},
    ]
    rows = _rows(wat_record(PAGE, {"Links": links}))
    assert [row[:3] for row in rows if isinstance(row, Found)] == [
        ("a.jpg", "a red barn", "alt"),
        ("b.jpg", "a title", "title"),
        ("c.jpg", "", "alt"),
    ]
    assert {row.page_url for row in rows if isinstance(row, Found)} == {PAGE}


def test_text_sources_follow_the_config():
    link = {**IMAGE, "title": "a title"}
    record = wat_record(PAGE, {"Links": [link]})
    texts = {
        names: [row.caption for row in _rows(record, text_sources=names) if isinstance(row, Found)]
        for names in (("title", "alt"), ("figcaption", "alt"), ("figcaption",))
    }
    assert list(texts.values()) == [["a title"], ["a red barn"], [""]]


METAS = [
    {"name": "HTML@/lang", "content": "de-CH"},
    {"property": "og:image", "content": "/og.jpg"},
    {"property": "og:image:alt", "content": "ein Haus"},
    {"name": "Robots", "content": "index, NoImageAI"},
]


def test_head_and_headers_say_what_they_say_in_html():
    head = {
        "Base": "/b/",
        "Metas": METAS,
        "Link": [{"path": "LINK@/href", "url": "cc", "rel": "license"}],
        "Title": "x",
    }
    image, og = _rows(wat_record(PAGE, {"Head": head, "Links": [IMAGE]}))
    html = (
        b'<html lang="de-CH"><base href="/b/"><meta property="og:image" content="/og.jpg">'
        b'<meta property="og:image:alt" content="ein Haus"><link rel="license" href="cc">'
        b'<meta name="Robots" content="index, NoImageAI"><img src="a.jpg" alt="a red barn">'
    )
    assert [image, og] == list(extract(html, PAGE, source="mine"))


@pytest.mark.parametrize(
    ("headers", "opt_out"),
    [
        ({"X-Robots-Tag": "noai"}, "noai"),
        ({"x-robots-tag": ["noindex", "noimageai"]}, "noimageai"),
        ({"TDM-Reservation": "1"}, "tdm-reservation"),
        ({"tdm-reservation": ["1", "0"]}, ""),
        ({"Set-Cookie": ["a", "b"]}, ""),
    ],
)
def test_headers_against_use(headers, opt_out):
    assert _one({"Links": [IMAGE]}, headers=headers).opt_out == opt_out


@pytest.mark.parametrize(
    ("metas", "opt_out"),
    [
        ([{"name": "tdm-reservation", "content": "1"}], "tdm-reservation"),
        ([{"name": "robots", "content": "noai"}], "noai"),
        ([{"http-equiv": "refresh", "content": "noai"}], ""),
        ([{}], ""),
    ],
)
def test_metas_against_use(metas, opt_out):
    assert _one({"Head": {"Metas": metas}, "Links": [IMAGE]}).opt_out == opt_out


@pytest.mark.parametrize(
    ("metas", "headers", "language"),
    [
        ([{"name": "HTML@/xml:lang", "content": "fr"}], {}, "fr"),
        ([METAS[0], {"name": "HTML@/xml:lang", "content": "fr"}], {}, "de-CH"),
        ([{"http-equiv": "Content-Language", "content": "it"}], {"content-language": "en"}, "it"),
        ([], {"Content-Language": "en"}, "en"),
        ([], {"Content-Language": "en, fr"}, ""),
        ([], {"Content-Language": ["en", "fr"]}, ""),
    ],
)
def test_language_of_a_page(metas, headers, language):
    found = _one({"Head": {"Metas": metas}, "Links": [IMAGE]}, headers=headers)
    assert found.page_language == language


def test_the_licence_may_be_a_link_of_the_body():
    links = [
        IMAGE,
        {"path": "A@/href", "url": "/first", "rel": "nofollow License"},
        {"path": "A@/href", "url": "/second", "rel": "license"},
    ]
    assert _one({"Links": links}).license == "http://site.test/first"
    head = {"Link": [{"path": "LINK@/href", "url": "/head", "rel": "license"}]}
    assert _one({"Head": head, "Links": links}).license == "http://site.test/head"


def _on(kind: str) -> bytes:
    payload: dict[str, Any] = {"Envelope": {"Payload-Metadata": {kind: {}}}}
    return wat_record_of(PAGE, json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (_on("HTTP-Request-Metadata"), "metadata of anything but pages"),
        (_on("WARC-Info-Metadata"), "metadata of anything but pages"),
        (_on("WARC-Metadata-Metadata"), "metadata of anything but pages"),
        (_on("HTTP-Response-Metadata"), "metadata of anything but pages"),
        (wat_record(PAGE, {}), "pages without images"),
        (wat_record(PAGE, {"Links": [IMAGE]}, status="404"), "error responses"),
        (wat_record(PAGE, {"Links": [IMAGE]}, status="302"), "redirects"),
        (wat_record(PAGE, {"Links": [IMAGE]}, status="²"), "responses of other statuses"),
        (
            warc_record("", b"software: x", "warcinfo", "application/warc-fields"),
            "warcinfo records",
        ),
        (warc_record(PAGE, b"{}", "conversion", "application/json"), "conversion records"),
    ],
)
def test_records_on_anything_else_are_counted_by_kind(record, what):
    assert _rows(record) == [PassedOver(what)]
    found, passed = _rows(record + RECORDS[0])
    assert isinstance(found, Found)
    assert passed == PassedOver(what)
    assert _rows(record * 3) == [PassedOver(what, 3)]


def test_the_type_of_a_record_has_no_case():
    odd = RECORDS[0].replace(b"WARC-Type: metadata", b"Warc-Type: MetaData")
    assert _rows(odd) == _rows(RECORDS[0])
    assert _rows(odd.replace(b"Content-Length", b"content-length")) == _rows(RECORDS[0])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"Envelope":{}}',
        b'{"Envelope":{"Payload-Metadata":5}}',
        b'{"a":' * 15_000,
        b'{"Envelope":{"Payload-Metadata":{"a":' + b"[" * 50_000,
        RECORDS[0].partition(b"\r\n\r\n")[2][:-20],
        RECORDS[0].partition(b"\r\n\r\n")[2].replace(b"barn", b"\0"),
        RECORDS[0].partition(b"\r\n\r\n")[2].replace(b"barn", b"\\ud800"),
    ],
)
def test_a_record_that_cannot_be_read_is_one_rejection(content):
    first, bad, last = _rows(RECORDS[0] + wat_record_of(PAGE, content) + RECORDS[1])
    assert isinstance(bad, Rejection)
    assert (bad.reason, bad.url) == ("bad_record", PAGE)
    assert isinstance(first, Found)
    assert isinstance(last, Found)


@pytest.mark.parametrize(
    "html",
    [
        5,
        [],
        {"Links": 5},
        {"Links": [5]},
        {"Links": [{"url": "a"}]},
        {"Links": [{"path": 5}]},
        {"Links": [{"path": "IMG@/src", "url": 5}]},
        {"Links": [{"path": "LI@/data-uri"}, {"path": "IMG@/src", "alt": None}]},
        {"Links": [{"path": "A@/href", "rel": ["license"]}]},
        {"Head": "x"},
        {"Head": {"Base": 5}},
        {"Head": {"Metas": [{"content": []}]}},
        {"Head": {"Link": {}}},
    ],
)
def test_a_wrong_type_is_one_rejection(html):
    (row,) = _rows(wat_record(PAGE, html))
    assert isinstance(row, Rejection)
    assert row.reason == "bad_record"
    assert "Expected" in row.detail or "required" in row.detail


def test_metadata_above_the_limit_are_one_rejection():
    record = wat_record(PAGE, {"Links": [IMAGE], "Text": "x" * 200_000})
    (row,) = _rows(record)
    assert isinstance(row, Rejection)
    assert row.reason == "page_too_large"
    assert (row.measured or 0) > (row.threshold or 0) == 100_000


def test_damage_costs_the_record_that_it_is_in():
    members = gzip_records(RECORDS)
    members[2] = flip(members[2], -6)
    rows = _rows(b"".join(members))
    assert [type(row) for row in rows] == [Found, Found, Rejection, Found, Found]
    rows = _rows(b"".join(RECORDS)[:-40])
    assert [type(row) for row in rows] == [Found, Found, Found, Found, Rejection]
