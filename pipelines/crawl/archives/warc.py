"""HTML pages of a web archive; a damaged record costs only itself."""

import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from fastwarc.warc import WarcRecord, WarcRecordType

from pipelines.crawl.archives.records import read_records, read_up_to
from pipelines.crawl.candidates import rejection
from pipelines.crawl.pages.page import Page
from pipelines.crawl.pages.terms import HttpTerms, read_headers
from pipelines.crawl.splits import Claim, every
from pipelines.rejection import Rejection
from pipelines.web.urls import MAX_URL_CHARS

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_MAY_BE_HTML = HTML_TYPES | {None, ""}
LONG_URL = f"URL of more than {MAX_URL_CHARS} characters"  # every row would repeat it
DAMAGE = "not a WARC record, or damaged compression"
OPT_OUT_FIELD = "X-Opt-Out"  # our own: an opt-out that the site stated elsewhere, as in tdmrep.json

LOOKS_LIKE_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.I)


def read_warc(
    stream: BinaryIO, max_page_bytes: int, start: int = 0, claim: Claim = every
) -> Iterator[Page | Rejection]:
    """Pages served as HTML with status 200, and one `bad_record` for each damaged record.

    Other records, images among them, are skipped: they are not candidates.

    Args:
        stream: plain or gzipped by record; seekable.
        max_page_bytes: one byte more than this is read of a page, so that an excess is noticed.
        start: as in `read_records`.
        claim: as in `read_records`.
    """
    for page in read_records(stream, partial(_pages, max_page_bytes=max_page_bytes), start, claim):
        yield page or rejection("", "", "bad_record", DAMAGE)


def _pages(record: WarcRecord, max_page_bytes: int) -> list[Page | Rejection]:
    if record.record_type != WarcRecordType.response or not record.is_http:
        return []
    headers = record.http_headers if record.is_http_parsed else None
    if not headers or headers.status_code is None:
        return [_bad(record, "no HTTP response in the record")]
    content_type = record.http_content_type
    if headers.status_code != 200 or content_type not in _MAY_BE_HTML:
        return []
    try:
        html = read_up_to(record, max_page_bytes + 1)
    except OSError:
        return [_bad(record, "damaged compression")]
    if content_type not in HTML_TYPES and not LOOKS_LIKE_HTML.match(html):
        return []
    if _is_cut(record, len(html), max_page_bytes):
        return [_bad(record, "shorter than its header says")]
    url = target_of(record)
    if len(url) > MAX_URL_CHARS:
        return [_bad(record, LONG_URL)]
    return [Page(url, html, record.http_charset, _http_terms(record))]


def target_of(record: WarcRecord) -> str:
    """URL of the page that a record is about; empty where none is given."""
    return (record.headers.get("WARC-Target-URI") or "").strip("<> ")


def _bad(record: WarcRecord, detail: str) -> Rejection:
    return rejection(target_of(record), "", "bad_record", detail)


def _is_cut(record: WarcRecord, length: int, max_page_bytes: int) -> bool:
    if length > max_page_bytes:
        return False  # not read to its end
    headers = record.http_headers
    if headers.get("Content-Encoding") or headers.get("Transfer-Encoding"):
        return length == 0 and record.content_length > 0  # a truncated stream decodes to nothing
    return length < record.content_length


def _http_terms(record: WarcRecord) -> HttpTerms:
    http = record.http_headers
    terms = read_headers(
        http.get("TDM-Reservation") or "",
        http.get_multiple("X-Robots-Tag"),
        http.get("Content-Language") or "",
    )
    return terms._replace(opt_out=terms.opt_out or record.headers.get(OPT_OUT_FIELD) or "")
