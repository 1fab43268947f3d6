"""Compressed content as a seekable stream, up to the byte that cannot be inflated."""

import io
import zlib
from abc import ABC, abstractmethod
from typing import BinaryIO, NamedTuple

from fastwarc.stream_io import ZstdReader

from pipelines.crawl.archives.starts import GZIP_WBITS

RAW_WBITS = -zlib.MAX_WBITS  # a member of a zip
_PACKED_BYTES = 1 << 16
_PIECE_BYTES = 1 << 18  # inflated at a time
_KEPT_BYTES = 16 << 20  # chosen: twice the largest section that is held, for steps back
_MARK_BYTES = 4 << 20  # chosen: between places to inflate from again; 40 kB each
_MAX_MARKS = 256
_SALVAGED_BYTES = 64  # at a time; so many may be lost before damage


class _State(NamedTuple):
    """Where inflation stands.

    Args:
        position: of the next inflated byte.
        packed: of the next byte to inflate, in the compressed stream.
        member: the decompressor.
        is_begun: whether the member has been given anything.
    """

    position: int
    packed: int
    member: "zlib._Decompress"
    is_begun: bool

    def copied(self) -> "_State":
        """The same state, to go on from without a change to this one."""
        return self._replace(member=self.member.copy())


class Unpacked(io.RawIOBase, ABC):
    """Compressed content as a seekable stream, of which it keeps the last 16 MiB for steps back.

    Attributes:
        is_damaged: whether the end is one of damage; known once it has been reached.
    """

    def __init__(self) -> None:
        self.is_damaged = False
        self._position = 0
        self._end: int | None = None
        self._kept, self._kept_from = bytearray(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._position < self._kept_from:
            self._kept, self._kept_from = bytearray(), self._go_back(self._position)
        while self._unpacked <= self._position and not self._is_at_end:
            self._unpack()
        first = self._position - self._kept_from
        stop = first + len(buffer)
        if self._end is not None:
            stop = min(stop, self._end - self._kept_from)
        content = self._kept[first:stop] if first < stop else b""
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        while whence == io.SEEK_END and self._end is None:
            self._unpack()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end or 0}
        self._position = max(0, bases[whence] + offset)
        return self._position

    @property
    def _unpacked(self) -> int:
        """The position up to which content is unpacked."""
        return self._kept_from + len(self._kept)

    @property
    def _is_at_end(self) -> bool:
        return self._end is not None and self._unpacked >= self._end

    @abstractmethod
    def _unpack(self) -> None:
        """Add a further piece, or stop."""

    @abstractmethod
    def _go_back(self, position: int) -> int:
        """Be ready to unpack again from that position or one before it, which is returned."""

    def _add(self, piece: bytes) -> None:
        self._kept += piece
        if (excess := len(self._kept) - 2 * _KEPT_BYTES) > 0:
            excess += _KEPT_BYTES
            del self._kept[:excess]
            self._kept_from += excess

    def _stop(self, *, is_damaged: bool) -> None:
        if self._end is None:
            self._end, self.is_damaged = self._unpacked, is_damaged


class Inflated(Unpacked):
    """The content of gzip members one after another, or of one raw deflate stream.

    It ends before damage. To go back by more than is kept costs 4 MiB of inflation.

    Args:
        packed: the compressed content; seekable.
        wbits: as of zlib; for gzip, or for a raw stream.
        limit: bytes; what is inflated ends there.
        checksum: CRC-32 of all of it, for a raw stream, which has none of its own.

    Attributes:
        sound: inflated bytes of complete members so far.
    """

    def __init__(
        self,
        packed: BinaryIO,
        wbits: int = GZIP_WBITS,
        limit: int | None = None,
        checksum: int | None = None,
    ) -> None:
        super().__init__()
        self._stream, self._wbits, self._limit = packed, wbits, limit
        self.sound = 0
        self._checksum, self._summed, self._sum = checksum, 0, 0
        self._pending = b""
        self._state = _State(0, 0, zlib.decompressobj(wbits), False)
        self._marks = [self._state.copied()]
        self._mark_bytes = _MARK_BYTES

    def _go_back(self, position: int) -> int:
        mark = next(mark for mark in reversed(self._marks) if mark.position <= position)
        self._state, self._pending = mark.copied(), b""
        return mark.position

    def _unpack(self) -> None:
        if not self._pending:
            self._stream.seek(self._state.packed)
            self._pending = self._stream.read(_PACKED_BYTES)
        if not self._pending:
            self._stop(is_damaged=self._state.is_begun)
            return
        before = self._state.copied()
        try:
            piece = self._state.member.decompress(self._pending, _PIECE_BYTES)
        except zlib.error:
            self._add(_salvaged(before.member, self._pending))
            self._stop(is_damaged=True)
            return
        self._count(piece)
        self._add(piece)
        self._advance(len(piece))

    def _advance(self, num_bytes: int) -> None:
        position, packed, member, _ = self._state
        rest = member.unused_data if member.eof else member.unconsumed_tail
        position, packed = position + num_bytes, packed + len(self._pending) - len(rest)
        self._pending = rest
        is_over = member.eof and self._wbits < 0
        if member.eof:
            self.sound = max(self.sound, position)
            member = zlib.decompressobj(self._wbits)
            self._state = _State(position, packed, member, False)
        else:
            self._state = _State(position, packed, member, True)
        if is_over or (self._limit is not None and position >= self._limit):
            self._stop(is_damaged=self._checksum not in {None, self._sum})
        elif position >= self._marks[-1].position + self._mark_bytes:
            self._mark()

    def _mark(self) -> None:
        self._marks.append(self._state.copied())
        if len(self._marks) > _MAX_MARKS:
            self._marks = self._marks[::2]
            self._mark_bytes *= 2

    def _count(self, piece: bytes) -> None:
        """Sum a piece, the first time."""
        if self._checksum is not None and self._state.position == self._summed:
            self._sum = zlib.crc32(piece, self._sum)
            self._summed += len(piece)

    def _stop(self, *, is_damaged: bool) -> None:
        super()._stop(is_damaged=is_damaged)
        if self._end is not None and self._limit is not None:
            self._end = min(self._end, self._limit)


class Unzstd(Unpacked):
    """The content of zstd frames; to go back by more than is kept costs all before it again.

    Args:
        packed: the compressed content; seekable.
    """

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._stream = packed
        self._go_back(0)

    def _go_back(self, position: int) -> int:
        self._stream.seek(0)
        self._reader = ZstdReader(self._stream)
        return 0

    def _unpack(self) -> None:
        try:
            piece = self._reader.read(_PACKED_BYTES)
        except OSError:
            self._salvage()
            self._stop(is_damaged=True)
            return
        self._add(piece)
        if not piece:
            self._stop(is_damaged=False)

    def _salvage(self) -> None:
        """Add what comes before the damage, but for the last few bytes: all is read once more."""
        left = self._unpacked
        self._go_back(0)
        try:
            while left > 0 and (piece := self._reader.read(min(left, _PACKED_BYTES))):
                left -= len(piece)
            while piece := self._reader.read(_SALVAGED_BYTES):
                self._add(piece)
        except OSError:
            pass


def _salvaged(member: "zlib._Decompress", packed: bytes) -> bytes:
    """What comes of a piece before the damage in it, but for a byte at the most."""
    taken = bytearray()
    for step in (4096, 256, 16, 1):
        while packed:
            before = member.copy()
            try:
                piece = member.decompress(packed, step)
            except zlib.error:
                member = before
                break
            taken += piece
            packed = member.unconsumed_tail
            if not piece and not packed:
                break
    return bytes(taken)
