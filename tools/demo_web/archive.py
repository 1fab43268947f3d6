"""The web archive as bytes: WARC 1.1 records, one gzip member each, the same bytes every time."""

import gzip
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

ARCHIVE_DATE = "2026-01-01T00:00:00Z"  # chosen: fixed, so that a rebuild gives the same bytes


@dataclass(frozen=True)
class Answer:
    """What a host answers to a request for one URL.

    Args:
        url: as requested: host in lower case, path percent-encoded, no fragment.
        body: as sent, before any content coding is undone.
        headers: HTTP header lines other than `Content-Type` and `Content-Length`.
        replay: how `pipelines.web.replay` treats it: empty, or `flaky` (the first request fails).
    """

    url: str
    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    replay: str = ""


def archive_bytes(answers: Iterable[Answer], software: str) -> bytes:
    """A `warcinfo` record, then a `response` record for each answer, in the order given."""
    info = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
    head = _record("warcinfo", "application/warc-fields", info, {})
    return b"".join([head, *map(_response, answers)])


def _response(answer: Answer) -> bytes:
    lines = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        *answer.headers,
    ]
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    http = "".join([status, *(f"{name}: {value}\r\n" for name, value in lines), "\r\n"]).encode()
    fields = {"WARC-Target-URI": answer.url}
    if answer.replay:
        fields["X-Replay"] = answer.replay
    return _record("response", "application/http;msgtype=response", http + answer.body, fields)


def _record(kind: str, content_type: str, block: bytes, fields: dict[str, str]) -> bytes:
    content = fields.get("WARC-Target-URI", "").encode() + block
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{uuid.UUID(bytes=sha256(content).digest()[:16])}>",
        "WARC-Date": ARCHIVE_DATE,
        **fields,
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    member = b"WARC/1.1\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"
    return gzip.compress(member, compresslevel=9, mtime=0)
