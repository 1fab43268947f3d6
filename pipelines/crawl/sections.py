"""A web archive cut where its records start, so that each piece is an archive of its own.

A start is a place that looks like one by the bytes there: in a gzipped archive a member that
inflates to `WARC/`, in a plain one `WARC/1.` after the blank line that ends a record. So a reader
can begin anywhere, and damage costs the piece it is in. The price: an archive kept inside a record,
uncompressed, is cut into records as well.
"""

import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from pipelines.crawl.splits import Claim

_GZIP = b"\x1f\x8b\x08"
_RECORD = b"WARC/"
_BLANK_LINE = b"\r\n\r\n"
_PLAIN = _BLANK_LINE + b"WARC/1."  # with the end of the record before: pages may speak of WARC too
_CONTENT_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_WINDOW_BYTES = 1 << 20
_HEAD_BYTES = 1024  # chosen: a gzip header with its names, and the first inflated bytes
_HEADER_BYTES = 1 << 16  # chosen: ten times a long WARC header
_MAX_HELD_BYTES = 8 << 20  # chosen: larger sections are read as they are used
_GZIP_WBITS = 31  # Source: zlib manual, `inflateInit2`: 16 for gzip, 15 for the largest window


class Section(NamedTuple):
    """The bytes from one start to the next.

    Args:
        archive: that it is a section of.
        start: its first byte.
        end: the byte after its last.
        is_gzip: made of gzip members.
        is_last: it ends with the archive.
    """

    archive: BinaryIO
    start: int
    end: int
    is_gzip: bool
    is_last: bool

    @property
    def is_small(self) -> bool:
        """Whether its content is read into memory."""
        return self.end - self.start <= _MAX_HELD_BYTES

    def open(self) -> BinaryIO:
        """Its content; seekable."""
        return content_between(self.archive, self.start, self.end)

    def has_rest(self) -> bool:
        """Whether something follows the records that the section holds; reads it all again.

        False where its first record is damaged itself: whoever reads the record sees that.
        """
        return (_gzip_rest if self.is_gzip else _plain_rest)(self.open())


def sections(stream: BinaryIO, start: int, claim: Claim) -> Iterator[Section | None]:
    """The sections that start at or after a position; None for what stands before the first one.

    Args:
        stream: seekable.
        start: where to begin to look, in bytes.
        claim: asked for the position of each section.
    """
    size = stream.seek(0, io.SEEK_END)
    is_gzip = _is_gzip(stream)
    positions = _starts(stream, start, is_gzip)
    position = next(positions, None)
    if start == 0 and size > 0 and position != 0:
        if not claim(0):
            return
        yield None
    while position is not None and claim(position):
        following = next(positions, None)
        end = size if following is None else following
        yield Section(stream, position, end, is_gzip, following is None)
        position = following


def content_between(stream: BinaryIO, start: int, stop: int) -> BinaryIO:
    """A part of a stream as a stream of its own; seekable."""
    if stop - start > _MAX_HELD_BYTES:
        return cast(BinaryIO, io.BufferedReader(_Slice(stream, start, stop), _WINDOW_BYTES))
    stream.seek(start)
    return io.BytesIO(stream.read(stop - start))


def _is_gzip(stream: BinaryIO) -> bool:
    """By its first bytes; where they are damaged, by whether a gzipped record follows soon."""
    stream.seek(0)
    window = stream.read(_WINDOW_BYTES)
    if window.startswith(_RECORD):
        return False
    return window.startswith(_GZIP) or any(_gzip_starts_in(window, len(window)))


def _starts(stream: BinaryIO, start: int, is_gzip: bool) -> Iterator[int]:
    """Every start at or after a position, ascending; reads ahead by one window."""
    find, overlap = (_gzip_starts_in, _HEAD_BYTES) if is_gzip else (_plain_starts_in, len(_PLAIN))
    if not is_gzip and start == 0:
        stream.seek(0)
        if stream.read(len(_RECORD)) == _RECORD:
            yield 0
    base = start if is_gzip else max(0, start - len(_BLANK_LINE))
    while True:
        stream.seek(base)
        window = stream.read(_WINDOW_BYTES + overlap)
        is_last = len(window) < _WINDOW_BYTES + overlap
        for place in find(window, len(window) if is_last else _WINDOW_BYTES):
            yield base + place
        if is_last:
            return
        base += _WINDOW_BYTES


def _gzip_starts_in(window: bytes, limit: int) -> Iterator[int]:
    place = window.find(_GZIP)
    while 0 <= place < limit:
        if _inflates_to_record(window[place : place + _HEAD_BYTES]):
            yield place
        place = window.find(_GZIP, place + 1)


def _plain_starts_in(window: bytes, limit: int) -> Iterator[int]:
    place = window.find(_PLAIN)
    while 0 <= place < limit:
        yield place + len(_BLANK_LINE)
        place = window.find(_PLAIN, place + 1)


def _inflates_to_record(head: bytes) -> bool:
    try:
        return zlib.decompressobj(_GZIP_WBITS).decompress(head, len(_RECORD)) == _RECORD
    except zlib.error:
        return False


def _gzip_rest(content: BinaryIO) -> bool:
    member, num_complete, is_begun, packed = zlib.decompressobj(_GZIP_WBITS), 0, False, b""
    while packed := packed or content.read(_WINDOW_BYTES):
        is_begun = True
        try:
            member.decompress(packed, _WINDOW_BYTES)
        except zlib.error:
            break
        packed = member.unconsumed_tail
        if member.eof:
            packed = member.unused_data
            member, num_complete, is_begun = (
                zlib.decompressobj(_GZIP_WBITS),
                num_complete + 1,
                False,
            )
    return is_begun and num_complete > 0


def _plain_rest(content: BinaryIO) -> bool:
    header, _, _ = content.read(_HEADER_BYTES).partition(_BLANK_LINE)
    length = _CONTENT_LENGTH.search(header)
    if length is None:
        return False
    content.seek(len(header) + len(_BLANK_LINE) + int(length[1][:18]))
    return bool(content.read(_HEADER_BYTES).strip(b"\r\n"))


class _Slice(io.RawIOBase):
    """A part of a stream as a stream of its own; leaves the stream open."""

    def __init__(self, stream: BinaryIO, start: int, stop: int) -> None:
        self._stream, self._start, self._stop, self._place = stream, start, stop, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._stream.seek(self._place)
        content = self._stream.read(max(0, min(len(buffer), self._stop - self._place)))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._place, io.SEEK_END: self._stop}[whence]
        self._place = max(self._start, base + offset)
        return self._place - self._start
