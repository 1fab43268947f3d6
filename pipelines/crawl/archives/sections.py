"""A web archive cut where its records start, so that each piece is an archive of its own.

A reader can begin at any piece, and damage costs only the piece that it is in.
"""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from pipelines.crawl.archives.starts import (
    GZIP_WBITS,
    WINDOW_BYTES,
    begins_with_gzip,
    end_of_block,
    gzip_starts,
    has_members,
    is_gzip,
    plain_starts,
)
from pipelines.crawl.splits import Claim, Extent, extent_of_bytes, in_few_parts

_MAX_HELD_BYTES = 8 << 20  # chosen: larger sections are read on demand
_TRAIL_BYTES = 1 << 16  # chosen: far more line breaks than any writer puts after a record


class Section(NamedTuple):
    """The bytes from one start to the next.

    Args:
        archive: that it is a section of.
        start: its first byte.
        end: the byte after its last.
        is_gzip: made of gzip members.
        is_last: it ends with the archive.
        is_damaged: its end cannot be inflated; to read that far is an `OSError`.
    """

    archive: BinaryIO
    start: int
    end: int
    is_gzip: bool
    is_last: bool
    is_damaged: bool = False

    @property
    def is_small(self) -> bool:
        """Whether its content is read into memory."""
        return self.end - self.start <= _MAX_HELD_BYTES

    def open(self) -> BinaryIO:
        """Its content; seekable."""
        return content_between(self.archive, self.start, self.end)

    def has_rest(self) -> bool:
        """Whether something follows the records of the section; reads all of it again.

        False where its first record is itself damaged, which reading the record shows.
        """
        return (_gzip_rest if self.is_gzip else _plain_rest)(self.open())


def sections(stream: BinaryIO, start: int, claim: Claim) -> Iterator[Section | None]:
    """The sections that start at or after a position; None for bytes before the first one.

    Gzip members before the first start, which begin with damage, are a section, too.

    Args:
        stream: seekable.
        start: where to begin to look, in bytes.
        claim: asked for the position of each section.
    """
    is_packed = is_gzip(stream)
    positions = gzip_starts(stream, start) if is_packed else plain_starts(stream, start)
    position = next(positions, None)
    if start == 0 and position != 0 and stream.seek(0, io.SEEK_END) > 0:
        if not claim(0):
            return
        yield _head(stream, position) if begins_with_gzip(stream) else None
    while position is not None and claim(position):
        following = next(positions, None)
        end = stream.seek(0, io.SEEK_END) if following is None else following
        yield Section(stream, position, end, is_packed, following is None)
        position = following


def archive_extent(stream: BinaryIO, is_local: bool) -> Extent:
    """The bytes of a web archive.

    Args:
        stream: seekable.
        is_local: whether it is on a disk, where to walk over records costs next to nothing.
    """
    extent = extent_of_bytes(stream.seek(0, io.SEEK_END))
    return extent if is_local or has_members(stream) else in_few_parts(extent)


def _head(stream: BinaryIO, position: int | None) -> Section:
    end = stream.seek(0, io.SEEK_END) if position is None else position
    return Section(stream, 0, end, is_gzip=True, is_last=position is None)


def content_between(stream: BinaryIO, start: int, stop: int) -> BinaryIO:
    """A part of a stream as a stream of its own; seekable."""
    if stop - start > _MAX_HELD_BYTES:
        return cast(BinaryIO, io.BufferedReader(Slice(stream, start, stop), WINDOW_BYTES))
    stream.seek(start)
    return io.BytesIO(stream.read(stop - start))


def _gzip_rest(content: BinaryIO) -> bool:
    member, num_complete, is_begun, packed = zlib.decompressobj(GZIP_WBITS), 0, False, b""
    while packed := packed or content.read(WINDOW_BYTES):
        is_begun = True
        try:
            member.decompress(packed, WINDOW_BYTES)
        except zlib.error:
            break
        packed = member.unconsumed_tail
        if member.eof:
            packed = member.unused_data
            member, is_begun = zlib.decompressobj(GZIP_WBITS), False
            num_complete += 1
    return is_begun and num_complete > 0


def _plain_rest(content: BinaryIO) -> bool:
    end = end_of_block(content, 0)
    if end is None:
        return False
    content.seek(end)
    return bool(content.read(_TRAIL_BYTES).strip(b"\r\n"))


class Slice(io.RawIOBase):
    """A part of a stream as a stream of its own; leaves the stream open."""

    def __init__(self, stream: BinaryIO, start: int, stop: int) -> None:
        self._stream, self._start, self._stop, self._position = stream, start, stop, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._stream.seek(self._position)
        content = self._stream.read(max(0, min(len(buffer), self._stop - self._position)))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: self._start, io.SEEK_CUR: self._position, io.SEEK_END: self._stop}
        self._position = max(self._start, bases[whence] + offset)
        return self._position - self._start
