"""Small web archives, built byte by byte so that tests can damage them where they want."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def http_record(
    url: str,
    body: bytes,
    content_type: str = "text/html",
    *,
    status: str = "200 OK",
    headers: Sequence[str] = (),
    kind: str = "response",
) -> bytes:
    """One WARC record that holds an HTTP message."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return warc_record(url, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, kind)


def warc_record(
    url: str, block: bytes, kind: str = "response", block_type: str = "application/http"
) -> bytes:
    """One WARC record that holds any block."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n"
        "WARC-Date: 2020-01-01T00:00:00Z\r\n"
        "WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>\r\n"
        f"Content-Type: {block_type}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def wat_record(
    url: str,
    html: Any = None,
    *,
    status: str = "200",
    headers: Mapping[str, str | list[str]] | None = None,
) -> bytes:
    """One record of a WAT file, whose metadata of a page is `html`."""
    response = {
        "Headers": {"Content-Type": "text/html", **(headers or {})},
        "Response-Message": {"Status": status, "Version": "HTTP/1.1", "Reason": "OK"},
        "HTML-Metadata": {} if html is None else html,
    }
    payload = {"HTTP-Response-Metadata": response, "Trailing-Slop-Length": "4"}
    envelope = {"WARC-Header-Metadata": {"WARC-Target-URI": url}, "Payload-Metadata": payload}
    content = {"Container": {"Filename": "a.warc.gz"}, "Envelope": envelope}
    return wat_record_of(url, json.dumps(content, ensure_ascii=False).encode())


def wat_record_of(url: str, content: bytes) -> bytes:
    """One record of a WAT file with any content."""
    return warc_record(url, content, "metadata", "application/json")


def gzip_records(records: Iterable[bytes]) -> list[bytes]:
    """Each record as a gzip member of its own, as in `.warc.gz`."""
    return [gzip.compress(record, mtime=0) for record in records]


def wacz_of(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip with these members, as in `.wacz`."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return sink.getvalue()


def flip(content: bytes, position: int) -> bytes:
    """The same bytes with one of them inverted."""
    damaged = bytearray(content)
    damaged[position] ^= 0xFF
    return bytes(damaged)
