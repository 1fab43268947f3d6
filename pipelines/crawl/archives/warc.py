"""HTML pages of a web archive; a damaged record costs only itself."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from fastwarc.warc import HeaderMap, WarcRecord

from pipelines.crawl.archives.kinds import (
    Kind,
    kind_of_media,
    kind_of_resource,
    kind_of_status,
    kind_of_type,
    type_of,
)
from pipelines.crawl.archives.payloads import PayloadError, codings_of, read_payload
from pipelines.crawl.archives.records import read_records
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import rejection
from pipelines.crawl.pages.page import Page
from pipelines.crawl.pages.terms import NO_HTTP_TERMS, HttpTerms, read_headers
from pipelines.crawl.splits import Claim, every
from pipelines.crawl.stored import StoredImage, stored_image
from pipelines.rejection import Rejection
from pipelines.web.media_types import HTML_TYPES, charset, is_html, media_type
from pipelines.web.urls import MAX_URL_CHARS

LONG_URL = f"URL of more than {MAX_URL_CHARS} characters"  # every row would repeat it
DAMAGE = "not a WARC record, or damaged compression"
OPT_OUT_FIELD = "X-Opt-Out"  # our own: an opt-out that the site stated elsewhere, as in tdmrep.json

_HTTP = "application/http"
_STATUS_LINE = re.compile(r"[A-Za-z]+(?:/[0-9.]+)?\s+([0-9]{3})\b")
_MAY_BE_HTML = HTML_TYPES | {""}

_MAY_BE_IMAGES = frozenset({Kind.IMAGE, Kind.IMAGE_RESOURCE})

Row = Page | StoredImage | Rejection | Kind


class _Limits(NamedTuple):
    """Bytes of a page and of an image, above which it is not read."""

    page: int
    image: int


def read_warc(
    stream: BinaryIO,
    max_page_bytes: int,
    start: int = 0,
    claim: Claim = every,
    *,
    max_image_bytes: int = 0,
) -> Iterator[Page | StoredImage | Rejection | PassedOver]:
    """Pages served as HTML with status 200, and one `bad_record` for each damaged record.

    A `resource` record of HTML is a page as well. All other records are counted by kind, at the
    end: as many records as there are, so many are pages, rejections or counted. Images are
    counted, and stored images as well.

    Args:
        stream: plain or gzipped; seekable.
        max_page_bytes: one byte more than this is read of a page, so that an excess is noticed.
        start: as in `read_records`.
        claim: as in `read_records`.
        max_image_bytes: larger images are only counted; 0 for all.
    """
    passed: Counter[str] = Counter()
    parse = partial(_rows, limits=_Limits(max_page_bytes, max_image_bytes))
    for row in read_records(stream, parse, start, claim):
        if isinstance(row, Kind):
            passed[row] += 1
        else:
            yield row or rejection("", "", "bad_record", DAMAGE)
    yield from passed_over(passed)


def passed_over(kinds: Counter[str]) -> Iterator[PassedOver]:
    """The counts of kinds as rows."""
    for kind, count in sorted(kinds.items()):
        yield PassedOver(str(kind), count)


def _rows(record: WarcRecord, limits: _Limits) -> Sequence[Row]:
    record_type = type_of(record)
    if record_type == "response":
        row = _of_response(record, limits.page)
    elif record_type == "resource":
        row = _of_resource(record, limits.page)
    else:
        row = kind_of_type(record_type)
    if isinstance(row, Kind) and row in _MAY_BE_IMAGES and limits.image:
        image = _image(record, limits.image)
        return (row,) if image is None else (row, image)
    return (row,)


def _image(record: WarcRecord, limit: int) -> StoredImage | None:
    """The image that a record holds; None where it holds none that can be read and used."""
    http = record.http_headers if record.is_http_parsed else None
    try:
        encoded = read_payload(record, codings_of(http) if http else (), limit + 1)
    except (OSError, PayloadError):
        return None
    return stored_image(
        target_of(record),
        encoded,
        limit,
        date=record.headers.get("WARC-Date") or "",
        headers=http.astuples() if http else (),
    )


def _of_response(record: WarcRecord, max_page_bytes: int) -> Row:
    if not is_http(record):
        return Kind.DNS if target_of(record)[:4].lower() == "dns:" else Kind.OTHER_PROTOCOL
    headers = record.http_headers if record.is_http_parsed else None
    if headers is None or (status := _status(headers)) is None:
        return _bad(record, "no HTTP response in the record")
    if status != 200:
        return kind_of_status(status)
    content_type = record.http_content_type  # without parameters, and as it was written
    if media_type(content_type) not in _MAY_BE_HTML:
        return kind_of_media(content_type)
    try:
        html = read_payload(record, codings_of(headers), max_page_bytes + 1)
    except (OSError, PayloadError) as error:
        return _unreadable(record, error)
    if not html and _is_all_header(headers):
        return _bad(record, "no blank line after the HTTP header")
    if not is_html(content_type, html):
        return Kind.NOT_HTML
    return _page(record, html, _charset(record), _http_terms(record))


def _status(http: HeaderMap) -> int | None:
    """The status of a response; None where its first line is of no protocol."""
    if http.status_code is not None:
        return int(http.status_code)
    found = _STATUS_LINE.match(http.status_line or "")  # the parser insists on one spelling
    return int(found[1]) if found else None


def _is_all_header(http: HeaderMap) -> bool:
    """Whether lines of a response were taken for one: those that do not end in CR and LF."""
    values = (value for _, value in http.astuples())
    return any("\n" in line for line in (http.status_line or "", *values))


def _of_resource(record: WarcRecord, max_page_bytes: int) -> Row:
    """A file as such, without the HTTP headers that it came with: wget and others write these."""
    content_type = record.headers.get("Content-Type")
    if media_type(content_type) not in HTML_TYPES:
        return kind_of_resource(content_type)
    try:
        html = read_payload(record, (), max_page_bytes + 1)
    except (OSError, PayloadError) as error:
        return _unreadable(record, error)
    terms = NO_HTTP_TERMS._replace(opt_out=record.headers.get(OPT_OUT_FIELD) or "")
    return _page(record, html, charset(content_type), terms)


def _page(record: WarcRecord, html: bytes, declared: str | None, terms: HttpTerms) -> Row:
    url = target_of(record)
    return _bad(record, LONG_URL) if len(url) > MAX_URL_CHARS else Page(url, html, declared, terms)


def _charset(record: WarcRecord) -> str | None:
    known: str | None = record.http_charset
    if (known and known.isalnum()) or known == "utf-8":  # the parser leaves quotes and the like
        return known
    return charset(record.http_headers.get("Content-Type"))


def is_http(record: WarcRecord) -> bool:
    """Whether the block of a response is an HTTP message, which is parsed then.

    It is by its type, which the parser itself knows in lower case only, or by its address: some
    tools give no type, or that of the page.
    """
    if record.is_http:
        return True
    is_web = target_of(record)[:5].lower() in {"http:", "https"}
    if is_web or media_type(record.headers.get("Content-Type")) == _HTTP:
        record.is_http = True
        record.parse_http()
    return bool(record.is_http)


def target_of(record: WarcRecord) -> str:
    """URL of the page that a record is about; empty where none is given."""
    return (record.headers.get("WARC-Target-URI") or "").strip("<> ")


def _bad(record: WarcRecord, detail: str) -> Rejection:
    return rejection(target_of(record), "", "bad_record", detail)


def _unreadable(record: WarcRecord, error: Exception) -> Rejection:
    is_worded = isinstance(error, PayloadError)
    return _bad(record, str(error) if is_worded else "damaged compression")


def _http_terms(record: WarcRecord) -> HttpTerms:
    http = record.http_headers
    terms = read_headers(
        http.get("TDM-Reservation") or "",
        http.get_multiple("X-Robots-Tag"),
        http.get("Content-Language") or "",
    )
    return terms._replace(opt_out=terms.opt_out or record.headers.get(OPT_OUT_FIELD) or "")
