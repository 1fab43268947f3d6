"""Where the records of a web archive start; damage hides only the records that it is in.

In a gzipped archive that is each member that inflates to `WARC/`, so that a reader can begin
anywhere. The price: an archive kept inside a record, uncompressed, is cut into records as well. In
a plain archive, where a page could do that with any text, it is where the
previous record ends by its own length. All readers walk over the records from the top, and search
for what looks like a start only where a length is wrong.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO

GZIP_WBITS = 31  # Source: zlib manual, `inflateInit2`: 16 for gzip, 15 for the largest window
WINDOW_BYTES = 1 << 20

_GZIP = b"\x1f\x8b\x08"
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # Source: RFC 8878, section 3.1
_RECORD = b"WARC/"
BLANK_LINE = b"\r\n\r\n"
# With the end of the previous record, or the beginning of a header: pages may mention WARC too.
_PLAIN = re.compile(rb"\r\n\r\nWARC/1\.|WARC/1\.[01]\r\n[A-Za-z0-9-]{1,40}:")
_PLAIN_BYTES = 64  # more than any match
_GAP_BYTES = 8  # chosen: line ends between records; there should be two
_CONTENT_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_HEAD_BYTES = 1024  # chosen: a gzip header with its names, and the first inflated bytes
HEADER_BYTES = 1 << 16  # chosen: ten times a long WARC header
_SHORT_HEADER_BYTES = 2048  # chosen: most WARC headers

Find = Callable[[bytes, int], Iterator[int]]


def is_gzip(stream: BinaryIO) -> bool:
    """By its first bytes; where they are damaged, by whether a gzipped record follows soon."""
    stream.seek(0)
    window = stream.read(WINDOW_BYTES)
    if window.startswith(_RECORD):
        return False
    return window.startswith(_GZIP) or any(_gzip_starts_in(window, len(window)))


def has_members(stream: BinaryIO) -> bool:
    """Whether it is gzipped in more than one piece, so that a reader can begin in its middle."""
    if not is_gzip(stream):
        return False
    stream.seek(0)
    window = stream.read(WINDOW_BYTES)
    return len(list(islice(_gzip_starts_in(window, len(window)), 2))) > 1


def begins_with_gzip(stream: BinaryIO) -> bool:
    """By its first bytes alone."""
    stream.seek(0)
    return stream.read(len(_GZIP)) == _GZIP


def is_zstd(stream: BinaryIO) -> bool:
    """By its first bytes: those of a frame, or of one that is skipped and may hold a dictionary."""
    stream.seek(0)
    return bool(_ZSTD.match(stream.read(4)))


def gzip_starts(stream: BinaryIO, start: int) -> Iterator[int]:
    """Every start at or after a position, ascending; reads ahead by one window."""
    return _search(stream, start, _gzip_starts_in, _HEAD_BYTES, WINDOW_BYTES)


def plain_starts(stream: BinaryIO, start: int) -> Iterator[int]:
    """Every start at or after a position, ascending; walks from the top."""
    stream.seek(0)
    is_whole = stream.read(len(_RECORD)) == _RECORD
    position = 0 if is_whole else _next_plain(stream, 0)
    while position is not None:
        if position >= start:
            yield position
        position = _following(stream, position)


def end_of_block(stream: BinaryIO, position: int) -> int | None:
    """Where the block of a plain record ends; None where its header gives no length."""
    header = _header(stream, position)
    length = _CONTENT_LENGTH.search(header)
    if length is None:
        return None
    return position + len(header) + len(BLANK_LINE) + int(length[1][:18])


def _following(stream: BinaryIO, position: int) -> int | None:
    """The start after the one at a position; None after the last."""
    end = end_of_block(stream, position)
    if end is None or not _reaches(stream, end):
        return _next_plain(stream, position + len(_RECORD))
    rest = stream.read(_GAP_BYTES + len(_RECORD))
    gap = len(rest) - len(rest.lstrip(b"\r\n"))
    if rest.startswith(_RECORD, gap):
        return end + gap
    is_true = BLANK_LINE.startswith(rest[: len(BLANK_LINE)])  # the damage comes after it
    return _next_plain(stream, end if is_true else position + len(_RECORD))


def _reaches(stream: BinaryIO, end: int) -> bool:
    """Whether content goes as far as a position; leaves the stream there."""
    try:
        stream.seek(end - 1)
    except OSError:  # no file can be as long as that
        return False
    return len(stream.read(1)) == 1


def _header(stream: BinaryIO, position: int) -> bytes:
    """The header at a position without the blank line that ends it; empty where none does."""
    for limit in (_SHORT_HEADER_BYTES, HEADER_BYTES):
        stream.seek(position)
        header, blank_line, _ = stream.read(limit).partition(BLANK_LINE)
        if blank_line:
            return header
    return b""


def _next_plain(stream: BinaryIO, position: int) -> int | None:
    """The first position from another one on that looks like a start."""
    found = _search(stream, position, _plain_starts_in, _PLAIN_BYTES, _SHORT_HEADER_BYTES)
    return next(found, None)


def _search(
    stream: BinaryIO, base: int, find: Find, overlap: int, window_bytes: int
) -> Iterator[int]:
    """Search in growing windows, since the next start after damage may be near or far."""
    while True:
        stream.seek(base)
        window = stream.read(window_bytes + overlap)
        is_last = len(window) < window_bytes + overlap
        for offset in find(window, len(window) if is_last else window_bytes):
            yield base + offset
        if is_last:
            return
        base += window_bytes
        window_bytes = min(2 * window_bytes, WINDOW_BYTES)


def _gzip_starts_in(window: bytes, limit: int) -> Iterator[int]:
    offset = window.find(_GZIP)
    while 0 <= offset < limit:
        if _inflates_to_record(window[offset : offset + _HEAD_BYTES]):
            yield offset
        offset = window.find(_GZIP, offset + 1)


def _plain_starts_in(window: bytes, limit: int) -> Iterator[int]:
    for match in _PLAIN.finditer(window):
        if match.start() >= limit:
            return
        yield match.start() + match[0].index(_RECORD)


def _inflates_to_record(head: bytes) -> bool:
    try:
        return zlib.decompressobj(GZIP_WBITS).decompress(head, len(_RECORD)) == _RECORD
    except zlib.error:
        return False
