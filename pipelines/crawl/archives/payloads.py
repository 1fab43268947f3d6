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
        PayloadError: damaged codings, or neither coded as the headers say nor a page.
    """
    if not codings:  # as for most
        return read_up_to(record, limit)
    pieces: Iterator[bytes] = _raw(record)
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


def _raw(record: WarcRecord) -> Iterator[bytes]:
    while piece := record.reader.read(PIECE_BYTES):
        yield piece


def _up_to(pieces: Iterator[bytes], limit: int) -> bytes:
    """The beginning of a body; of one that is cut, as far as it goes."""
    taken = bytearray()
    try:
        for piece in pieces:
            taken += piece
            if len(taken) >= limit:
                break
    except CutBodyError:
        pass
    return bytes(taken[:limit])
