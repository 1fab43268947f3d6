"""Checksums that a Parquet file holds of its own bytes, as Parquet has none of a footer.

Two of them stand in the footer's metadata, under `dalle.checksums`: `sha256`, that of all bytes
before the footer, and that of the footer with zeros in place of the second. So a flipped bit is
found before a parser sees it, in any one file, without a manifest; other readers pass them over.
"""

import io
import re
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple

SEAL_KEY = "dalle.checksums"
END_BYTES = 8  # Source: Parquet format: the length of the footer, 4 bytes, and `PAR1`
_MAGIC = b"PAR1"
_ZEROS = "0" * 64
BLANK = f"sha256 {_ZEROS} {_ZEROS}"
_TAIL_BYTES = 64 << 10  # chosen: what pyarrow reads first, so that a store is asked once
_PIECE_BYTES = 1 << 20
# Source: Parquet format `KeyValue` in the compact protocol of Thrift: behind the key, a field of
# type binary, one further (0x18), its length as a varint of two bytes, and the value.
_FIELD = re.compile(
    re.escape(SEAL_KEY.encode())
    + b"\x18"
    + bytes([len(BLANK) & 0x7F | 0x80, len(BLANK) >> 7])
    + rb"sha256 ([0-9a-f]{64}) ([0-9a-f]{64})"
)
# Either half of it, which a flipped bit in the other leaves as it is.
_TRACE = re.compile(re.escape(SEAL_KEY.encode()) + rb"|sha256 [0-9a-f]{64} [0-9a-f]{64}")


class DamagedParquetError(ValueError):
    """Bytes of a Parquet file are not those of its own checksum."""


class Seal(NamedTuple):
    """What a file says of its own bytes.

    Args:
        body: SHA-256 of all before the footer.
        body_bytes: how many those are.
    """

    body: str
    body_bytes: int


def sealed(body: Any, tail: bytes) -> bytes:
    """The last bytes of a file with its checksums filled in.

    Args:
        body: SHA-256 (of `hashlib`) of all before the tail; left as it is.
        tail: to the end, the footer at least, whose metadata hold `BLANK` as `SEAL_KEY`.
    """
    start = len(tail) - END_BYTES - int.from_bytes(tail[-END_BYTES:-4], "little")
    digest = body.copy()
    digest.update(tail[:start])
    footer = bytearray(tail[start:])
    *_, field = _FIELD.finditer(footer)
    footer[slice(*field.span(1))] = digest.hexdigest().encode()
    footer[slice(*field.span(2))] = sha256(footer).hexdigest().encode()
    return tail[:start] + bytes(footer)


def checked_seal(stream: BinaryIO) -> Seal | None:
    """What a file says of its bytes; None where it says nothing, as one that is not of here.

    Reads the end of the file; leaves the stream anywhere.

    Raises:
        DamagedParquetError: no Parquet, cut, or its footer is not the one that was written.
    """
    size = stream.seek(0, io.SEEK_END)
    tail = _last(stream, size, _TAIL_BYTES)
    length = int.from_bytes(tail[-END_BYTES:-4], "little") + END_BYTES
    if tail[-4:] != _MAGIC or length > size - len(_MAGIC):
        raise DamagedParquetError("it is not Parquet, or its end is missing")
    if length > len(tail):
        tail = _last(stream, size, length)
    return seal_of(tail[-length:], size - length)


def seal_of(footer: bytes, body_bytes: int) -> Seal | None:
    """As `checked_seal`, of a footer to the end of its file."""
    found = list(_FIELD.finditer(footer))
    if not found:
        if _TRACE.search(footer):
            raise DamagedParquetError("its footer is damaged: its checksum cannot be read")
        return None
    field = found[-1]  # the metadata come last in a footer
    place = slice(*field.span(2))
    blank = bytearray(footer)
    blank[place] = _ZEROS.encode()
    if sha256(blank).hexdigest().encode() != footer[place]:
        raise DamagedParquetError("its footer is damaged: it is not that of its checksum")
    return Seal(field[1].decode(), body_bytes)


def is_whole(stream: BinaryIO, seal: Seal) -> bool:
    """Whether all bytes before the footer are those of the checksum, read piece by piece."""
    stream.seek(0)
    digest, left = sha256(), seal.body_bytes
    while left and (piece := stream.read(min(left, _PIECE_BYTES))):
        digest.update(piece)
        left -= len(piece)
    return not left and digest.hexdigest() == seal.body


def _last(stream: BinaryIO, size: int, length: int) -> bytes:
    stream.seek(max(0, size - length))
    return stream.read()
