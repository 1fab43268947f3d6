"""Codings of a body: which ones its headers name, and whether it has them.

Headers lie: archives keep bodies decoded under the headers of the coded ones, and servers name
codings that are none. So a coding is removed only from bytes that have it.
"""

import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, tee

from fastwarc.stream_io import BrotliReader, ZstdReader

from pipelines.web.media_types import is_image, is_markup, is_page_text

# All that a server may mean. Source: IANA, "HTTP Content Coding Registry"; RFC 9110, 8.4.1.
_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
_REGISTERED = frozenset(
    {"aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "zstd"}
)
PIECE_BYTES = 65536  # decompressed at a time, so that a bomb passes a cap by no more than this
_HEAD_BYTES = 1024  # chosen: enough to recognise a coding, or markup, by

_GZIP = b"\x1f\x8b"  # Source: RFC 1952, section 2.3.1
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # Source: RFC 8878, section 3.1
_MAX_SIZE_LINE = 1024  # chosen: a chunk's size with extensions
_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CUT_SIZE = re.compile(rb"[ \t]*[0-9a-fA-F]*[ \t]*(?:;.*)?\r?\n?")

Pieces = Iterator[bytes]


class CodingError(Exception):
    """The body does not decompress."""


class CutBodyError(CodingError):
    """The body ends before its coding does."""


def content_codings(header: str) -> list[str]:
    """The codings of a Content-Encoding, in the order in which they were applied.

    Names have no case; those that are no coding (`identity`, `none`, `utf-8`, `aws-chunked`) are
    left out, as browsers do.
    """
    names = (name.strip().lower() for name in header.split(","))
    known = (_ALIASES.get(name, name) for name in names)
    return [name for name in known if name in _REGISTERED]


def transfer_codings(header: str) -> list[str]:
    """The codings of a Transfer-Encoding, in the order in which they were applied."""
    names = (name.partition(";")[0].strip().lower() for name in header.split(","))
    known = (_ALIASES.get(name, name) for name in names)
    return [name for name in known if name in _DECODERS]


def decoded(pieces: Iterable[bytes], coding: str) -> tuple[Pieces, bool]:
    """A body without a coding, and whether it had that coding; as it is where it had not.

    A coding that cannot be removed here counts as one that the body does not have.

    Args:
        pieces: of the body; their beginning is read now, the rest as the result is.
        coding: as the functions above name it.

    Raises:
        CodingError: while the result is read.
    """
    head, pieces = peek(pieces)
    decoder = _DECODERS.get(coding)
    if decoder is None:
        return pieces, False
    coded, as_it_is = tee(pieces)
    found = decoder(head, coded)
    return (as_it_is, False) if found is None else (found, True)


def is_plain(head: bytes) -> bool:
    """Whether a body is seen to have no coding: it begins as a page, as XML or as an image."""
    return is_markup(head) or is_image(head) or is_page_text(head)


def peek(pieces: Iterable[bytes]) -> tuple[bytes, Pieces]:
    """The first bytes of a body, and all of it."""
    rest = iter(pieces)
    taken: list[bytes] = []
    while sum(map(len, taken)) < _HEAD_BYTES and (piece := next(rest, None)) is not None:
        taken.append(piece)
    head = b"".join(taken)
    return head[:_HEAD_BYTES], chain([head] if head else [], rest)


def _gunzipped(head: bytes, pieces: Pieces) -> Pieces | None:
    return _inflated(pieces, 16 + zlib.MAX_WBITS) if head.startswith(_GZIP) else None


def _undeflated(head: bytes, pieces: Pieces) -> Pieces | None:
    """Zlib as the standard says, or raw as some servers send. Source: RFC 9110, 8.4.1.2."""
    if is_plain(head):
        return None
    is_zlib = head[:1] and head[0] & 0x0F == zlib.DEFLATED
    window_bits = zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS
    try:
        zlib.decompressobj(window_bits).decompress(head, PIECE_BYTES)
    except zlib.error:
        return None
    return _inflated(pieces, window_bits)


def _inflated(pieces: Pieces, window_bits: int) -> Pieces:
    decoder = zlib.decompressobj(window_bits)
    for piece in pieces:
        rest = piece
        while rest:
            if decoder.eof:  # another member of the same body
                decoder = zlib.decompressobj(window_bits)
            try:
                yield decoder.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise CodingError("the body does not decompress") from error
            rest = decoder.unused_data or decoder.unconsumed_tail
    yield decoder.flush(PIECE_BYTES)
    if not decoder.eof:
        raise CutBodyError("the compressed body ends too early")


def _unbrotlied(head: bytes, pieces: Pieces) -> Pieces | None:
    """Brotli begins with nothing of its own: bytes that do not decode at all are not coded."""
    if is_plain(head):
        return None
    decoded_pieces = _read_by(BrotliReader, pieces)
    try:
        first = next(decoded_pieces)
    except (CodingError, StopIteration):
        return None
    return chain([first], decoded_pieces)


def _unzstd(head: bytes, pieces: Pieces) -> Pieces | None:
    return _read_by(ZstdReader, pieces) if _ZSTD.match(head) else None


def _read_by(reader: type[BrotliReader | ZstdReader], pieces: Pieces) -> Pieces:
    try:
        stream = reader(_Stream(pieces))
        while piece := stream.read(PIECE_BYTES):
            yield piece
    except OSError as error:
        raise CodingError("the body does not decompress") from error


def _unchunked(head: bytes, pieces: Pieces) -> Pieces | None:
    return _chunks(pieces) if _SIZE.match(head) else None


def _chunks(pieces: Pieces) -> Pieces:
    """The chunks of a body; from a size that cannot be read on, the rest as it is.

    Source: RFC 9112, section 7.1.
    """
    buffer = b""
    left = 0  # bytes of the current chunk
    is_first = True
    for piece in pieces:
        buffer += piece
        while buffer:
            if left:
                yield buffer[:left]
                left, buffer = max(0, left - len(buffer)), buffer[left:]
                continue
            line = buffer if is_first else _after_line_end(buffer)
            if line is None or (b"\n" not in line and len(line) < _MAX_SIZE_LINE):
                break  # needs more
            size = _SIZE.match(line)
            if size is None:
                yield line
                yield from pieces
                return
            left, is_first = int(size[1], 16), False
            if left == 0:
                return
            buffer = line[size.end() :]
    rest = _after_line_end(buffer) or b""
    if not _CUT_SIZE.fullmatch(rest):
        yield rest


def _after_line_end(buffer: bytes) -> bytes | None:
    """What follows the line end after a chunk; None where it is not there yet."""
    if buffer == b"\r":
        return None
    return buffer.removeprefix(b"\r").removeprefix(b"\n")


_DECODERS: dict[str, Callable[[bytes, Pieces], Pieces | None]] = {
    "gzip": _gunzipped,
    "deflate": _undeflated,
    "br": _unbrotlied,
    "zstd": _unzstd,
    "chunked": _unchunked,
}


class _Stream(io.RawIOBase):
    """Pieces as a stream, as far as a decoder asks."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces, self._rest, self._position = pieces, b"", 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest and (piece := next(self._pieces, None)) is not None:
            self._rest = piece
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        self._position += len(taken)
        return len(taken)
