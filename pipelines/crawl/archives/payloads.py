"""The payload of a record, without the codings that it has: its headers may name others.

Tools that store a page decoded often keep the headers of the coded one.
Source: pywb and the Internet Archive's liveweb do so.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fastwarc.warc import WarcRecord

from pipelines.crawl.archives.records import read_up_to
from pipelines.web.codings import (
    PIECE_BYTES,
    CodingError,
    CutBodyError,
    content_codings,
    decoded,
    is_plain,
    peek,
    transfer_codings,
)


class PayloadError(ValueError):
    """The payload cannot be decoded, or is not what its headers say."""


def codings_of(http: Any) -> list[str]:
    """The codings that the headers of a response name, in the order in which they are removed.

    Args:
        http: headers; names in any case.
    """
    content, transfer = http.get("Content-Encoding"), http.get("Transfer-Encoding")
    if not content and not transfer:
        return []
    named = content_codings(",".join(http.get_multiple("Content-Encoding")))
    return [*reversed(transfer_codings(transfer or "")), *reversed(named)]


def read_payload(record: WarcRecord, codings: Sequence[str], limit: int) -> bytes:
    """Up to so many bytes of a page.

    Each coding is removed if the bytes have it. Where they have none of those that the headers
    name, they must look like a page.

    Raises:
        OSError: damaged compression of the archive.
        PayloadError: damaged codings, neither coded as the headers say nor a page, or cut.
    """
    raw = _Raw(record)
    html = _decoded(raw, codings, limit) if codings else read_up_to(record, limit)
    is_empty = not html and record.content_length > 0  # a cut stream may decode to nothing
    is_short = raw.is_cut if codings else len(html) < record.content_length
    if len(html) < limit and (is_empty or is_short):
        raise PayloadError("shorter than its header says")
    return html


def _decoded(raw: Iterator[bytes], codings: Sequence[str], limit: int) -> bytes:
    pieces = raw
    missing: list[str] = []
    try:
        for coding in codings:
            pieces, had_it = decoded(pieces, coding)
            if not had_it:
                missing.append(coding)
        head, pieces = peek(pieces)
        missing = [coding for coding in missing if coding != "chunked"]
        if missing and head and not is_plain(head):
            raise PayloadError(f"header says {missing[0]}, body is not")
        return _up_to(pieces, limit)
    except CodingError as error:
        raise PayloadError("damaged compression") from error


def _up_to(pieces: Iterator[bytes], limit: int) -> bytes:
    """The beginning of a body; of one whose coding is cut, as far as it goes."""
    taken = bytearray()
    try:
        for piece in pieces:
            taken += piece
            if len(taken) >= limit:
                break
    except CutBodyError:
        pass
    return bytes(taken[:limit])


class _Raw(Iterator[bytes]):
    """The payload of a record as stored, in pieces."""

    def __init__(self, record: WarcRecord) -> None:
        self._record, self._length, self._num_bytes = record, record.content_length, 0
        self.is_cut = False  # whether it ended before the length that the record states

    def __next__(self) -> bytes:
        piece: bytes = self._record.reader.read(PIECE_BYTES)
        if not piece:
            self.is_cut = self._num_bytes < self._length
            raise StopIteration
        self._num_bytes += len(piece)
        return piece
