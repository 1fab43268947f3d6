"""Compressed content as a seekable stream, up to the byte that cannot be inflated."""

import io
import zlib
from typing import BinaryIO, NamedTuple

from pipelines.crawl.archives.starts import GZIP_WBITS

RAW_WBITS = -zlib.MAX_WBITS  # a member of a zip
_PACKED_BYTES = 1 << 16
_PIECE_BYTES = 1 << 18  # inflated at a time
_KEPT_BYTES = 16 << 20  # chosen: twice the largest section that is held, for steps back
_MARK_BYTES = 4 << 20  # chosen: between places to inflate from again; 40 kB each
_MAX_MARKS = 256


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


class Inflated(io.RawIOBase):
    """The content of gzip members one after another, or of one raw deflate stream.

    It ends before damage. Going back is cheap within 16 MiB, and costs 4 MiB of inflation beyond.

    Args:
        packed: the compressed content; seekable.
        wbits: as of zlib; for gzip, or for a raw stream.
        limit: bytes; what is inflated ends there.
        checksum: CRC-32 of all of it, for a raw stream, which has none of its own.

    Attributes:
        is_damaged: whether the end is one of damage; known once it has been reached.
        sound: inflated bytes of complete members so far.
    """

    def __init__(
        self,
        packed: BinaryIO,
        wbits: int = GZIP_WBITS,
        limit: int | None = None,
        checksum: int | None = None,
    ) -> None:
        self._stream, self._wbits, self._limit = packed, wbits, limit
        self.is_damaged, self.sound = False, 0
        self._position, self._end = 0, None if limit is None or limit > 0 else 0
        self._kept, self._kept_from = bytearray(), 0
        self._pending = b""
        self._checksum, self._summed, self._sum = checksum, 0, 0
        self._state = _State(0, 0, zlib.decompressobj(wbits), False)
        self._marks = [self._copied(self._state)]
        self._mark_bytes = _MARK_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._inflate_to(self._position + 1)
        first = self._position - self._kept_from
        stop = min(first + len(buffer), self._state.position - self._kept_from)
        if self._end is not None:
            stop = min(stop, self._end - self._kept_from)
        content = self._kept[first:stop] if first < stop else b""
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            while self._end is None:
                self._inflate()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end or 0}
        self._position = max(0, bases[whence] + offset)
        return self._position

    def _inflate_to(self, position: int) -> None:
        if self._position < self._kept_from:
            self._go_back()
        while self._state.position < position and (
            self._end is None or self._state.position < self._end
        ):
            self._inflate()

    def _go_back(self) -> None:
        mark = max(
            (mark for mark in self._marks if mark.position <= self._position),
            key=lambda mark: mark.position,
        )
        self._state = self._copied(mark)
        self._kept, self._kept_from, self._pending = bytearray(), mark.position, b""

    def _inflate(self) -> None:
        """Inflate a piece; at the end, learn where it is."""
        if not self._pending:
            self._stream.seek(self._state.packed)
            self._pending = self._stream.read(_PACKED_BYTES)
        if not self._pending:
            self._stop(is_damaged=self._state.is_begun)
            return
        before = self._copied(self._state)
        try:
            piece = self._state.member.decompress(self._pending, _PIECE_BYTES)
        except zlib.error:
            piece = _salvaged(before.member, self._pending)
            self._add(piece)
            self._state = before._replace(position=before.position + len(piece))
            self._stop(is_damaged=True)
            return
        self._add(piece)
        self._advance(len(piece))
        self._mark()

    def _advance(self, num_bytes: int) -> None:
        position, packed, member, _ = self._state
        rest = member.unused_data if member.eof else member.unconsumed_tail
        position, packed = position + num_bytes, packed + len(self._pending) - len(rest)
        self._pending = rest
        if member.eof:
            self.sound = max(self.sound, position)
            self._state = _State(position, packed, zlib.decompressobj(self._wbits), False)
            if self._wbits < 0:
                self._stop(is_damaged=False)
        else:
            self._state = _State(position, packed, member, True)
        if self._limit is not None and position >= self._limit:
            self._stop(is_damaged=False)

    def _stop(self, *, is_damaged: bool) -> None:
        if self._end is None:
            self._end, self.is_damaged = self._state.position, is_damaged
            if self._limit is not None:
                self._end = min(self._end, self._limit)
            if self._checksum is not None and self._sum != self._checksum:
                self.is_damaged = True

    def _add(self, piece: bytes) -> None:
        self._kept += piece
        if self._checksum is not None and self._state.position == self._summed:
            self._sum = zlib.crc32(piece, self._sum)
            self._summed += len(piece)
        if (excess := len(self._kept) - 2 * _KEPT_BYTES) > 0:
            excess += _KEPT_BYTES
            del self._kept[:excess]
            self._kept_from += excess

    def _mark(self) -> None:
        if self._state.position < self._marks[-1].position + self._mark_bytes:
            return
        self._marks.append(self._copied(self._state))
        if len(self._marks) > _MAX_MARKS:
            self._marks = self._marks[::2]
            self._mark_bytes *= 2

    @staticmethod
    def _copied(state: _State) -> _State:
        return state._replace(member=state.member.copy())


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
