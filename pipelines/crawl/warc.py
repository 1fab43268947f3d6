"""HTML pages of a web archive; a damaged record costs that record and no other."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from pipelines.crawl.candidates import rejection
from pipelines.crawl.pages import Page
from pipelines.crawl.sections import Section, sections
from pipelines.crawl.splits import Claim, every
from pipelines.crawl.terms import Headers, read_headers
from pipelines.rejection import Rejection

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
OPT_OUT_FIELD = "X-Opt-Out"  # ours, of a record: what the site said elsewhere, as in tdmrep.json

LOOKS_LIKE_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.I)


def read_warc(
    stream: BinaryIO, max_page_bytes: int, start: int = 0, claim: Claim = every
) -> Iterator[Page | Rejection]:
    """Pages served as HTML with status 200, and one `bad_record` for each damaged record.

    Other records, pictures among them, are passed over: they are no candidates.

    Args:
        stream: plain or gzipped by record; seekable.
        max_page_bytes: one byte more than this is read of a page, so that the excess shows.
        start: as in `read_records`.
        claim: as in `read_records`.
    """
    for record in read_records(stream, start, claim):
        if record is None:
            yield rejection("", "", "bad_record", "not a WARC record, or damaged compression")
        elif record.record_type == WarcRecordType.response and record.is_http:
            yield from _pages(record, max_page_bytes)


def read_records(
    stream: BinaryIO, start: int = 0, claim: Claim = every
) -> Iterator[WarcRecord | None]:
    """All records; None for each place where one should be and none can be read.

    A record is valid until the next one is asked for.

    Args:
        stream: plain or gzipped by record; seekable.
        start: records that start before it, in bytes, are left out.
        claim: asked for the start of each record, or of the gzip member that holds it.
    """
    for section in sections(stream, start, claim):
        if section is None:
            yield None
        else:
            yield from _records_of(section)


def _records_of(section: Section) -> Iterator[WarcRecord | None]:
    """The records of a section; None where it holds none, and for what cannot be read after one."""
    num_read, is_whole = 0, True
    try:
        for record in ArchiveIterator(
            section.content, record_types=WarcRecordType.any_type, auto_decode="all"
        ):
            num_read += 1
            yield record
    except OSError:
        is_whole = False
    if num_read == 0 or ((section.is_last or not is_whole) and section.has_rest()):
        yield None


def _pages(record: WarcRecord, max_page_bytes: int) -> Iterator[Page | Rejection]:
    url = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
    headers = record.http_headers if record.is_http_parsed else None
    if not headers or headers.status_code is None:
        yield rejection(url, "", "bad_record", "no HTTP response in the record")
        return
    if headers.status_code != 200 or record.http_content_type not in HTML_TYPES | {None, ""}:
        return
    try:
        html = read_up_to(record, max_page_bytes + 1)
    except OSError:
        yield rejection(url, "", "bad_record", "damaged compression")
        return
    if record.http_content_type not in HTML_TYPES and not LOOKS_LIKE_HTML.match(html):
        return
    if _is_cut(record, len(html), max_page_bytes):
        yield rejection(url, "", "bad_record", "shorter than its header says")
        return
    yield Page(url, html, record.http_charset, _said(record))


def read_up_to(record: WarcRecord, limit: int) -> bytes:
    parts: list[bytes] = []
    wanted = limit
    while wanted > 0 and (part := record.reader.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _is_cut(record: WarcRecord, length: int, max_page_bytes: int) -> bool:
    if length > max_page_bytes:
        return False  # not read to its end
    headers = record.http_headers
    if headers.get("Content-Encoding") or headers.get("Transfer-Encoding"):
        return length == 0 and record.content_length > 0  # a cut stream decodes to nothing
    return length < record.content_length


def _said(record: WarcRecord) -> Headers:
    http = record.http_headers
    said = read_headers(
        http.get("TDM-Reservation") or "",
        http.get_multiple("X-Robots-Tag"),
        http.get("Content-Language") or "",
    )
    return said._replace(opt_out=said.opt_out or record.headers.get(OPT_OUT_FIELD) or "")
