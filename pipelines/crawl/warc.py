"""HTML pages of a web archive; a damaged record costs that record and no other."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from pipelines.crawl.candidates import rejection
from pipelines.crawl.pages import Page
from pipelines.crawl.terms import Headers, read_headers
from pipelines.rejection import Rejection

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_GZIP = b"\x1f\x8b\x08"
_PLAIN = b"\r\n\r\nWARC/1."  # with the end of the record before: pages may speak of WARC too
_SEARCH_BYTES = 1 << 20
_LOOKS_LIKE_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.I)


def read_warc(stream: BinaryIO, max_page_bytes: int) -> Iterator[Page | Rejection]:
    """Pages served as HTML with status 200, and one `bad_record` for each damaged record.

    Other records, pictures among them, are passed over: they are no candidates.

    Args:
        stream: plain or gzipped by record; seekable.
        max_page_bytes: one byte more than this is read of a page, so that the excess shows.
    """
    for record in _records(stream):
        if record is None:
            yield rejection("", "", "bad_record", "not a WARC record, or damaged compression")
        elif record.record_type == WarcRecordType.response and record.is_http:
            yield from _pages(record, max_page_bytes)


def _records(stream: BinaryIO) -> Iterator[WarcRecord | None]:
    """All records; None for each place where one should start and none can be read.

    After damage, reading goes on at the next start. Damage is reported only when it is met right
    at a start, so that it counts the same whatever record stands before it.
    """
    is_gzip = stream.read(len(_GZIP)) == _GZIP
    position: int | None = 0
    while position is not None:
        stream.seek(position)
        next_search = position + 1
        num_read = 0
        try:
            for record in ArchiveIterator(
                stream, record_types=WarcRecordType.any_type, auto_decode="all"
            ):
                num_read += 1
                offset = record.stream_pos
                next_search = max(next_search, offset + (1 if is_gzip else record.content_length))
                yield record
            return
        except OSError:
            if num_read == 0:
                yield None
        position = _next_start(stream, next_search, is_gzip)


def _next_start(stream: BinaryIO, position: int, is_gzip: bool) -> int | None:
    """Where the next record may start, at or after a position; None at the end."""
    magic, skipped = (_GZIP, 0) if is_gzip else (_PLAIN, len(b"\r\n\r\n"))
    stream.seek(position)
    window = b""
    while chunk := stream.read(_SEARCH_BYTES):
        window = window[-len(magic) + 1 :] + chunk
        found = window.find(magic)
        if found >= 0:
            return stream.tell() - len(window) + found + skipped
    return None


def _pages(record: WarcRecord, max_page_bytes: int) -> Iterator[Page | Rejection]:
    url = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
    headers = record.http_headers if record.is_http_parsed else None
    if not headers or headers.status_code is None:
        yield rejection(url, "", "bad_record", "no HTTP response in the record")
        return
    if headers.status_code != 200 or record.http_content_type not in HTML_TYPES | {None, ""}:
        return
    try:
        html = _read_up_to(record, max_page_bytes + 1)
    except OSError:
        yield rejection(url, "", "bad_record", "damaged compression")
        return
    if record.http_content_type not in HTML_TYPES and not _LOOKS_LIKE_HTML.match(html):
        return
    if _is_cut(record, len(html), max_page_bytes):
        yield rejection(url, "", "bad_record", "shorter than its header says")
        return
    yield Page(url, html, record.http_charset, _said(record))


def _read_up_to(record: WarcRecord, limit: int) -> bytes:
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
    return read_headers(
        http.get("TDM-Reservation") or "",
        http.get_multiple("X-Robots-Tag"),
        http.get("Content-Language") or "",
    )
