"""The PNGs of this program: every row predicted from the one above, as fast to write as to read.

A PNG may filter each row in another way, and libpng tries several. One way for all rows is a single
subtraction over the image, and undoing it a single running sum. Any reader of PNG reads these
files; `decode` reads them several times as fast, and leaves all others to a general decoder.

Chosen, by the table in docs/benchmarks.md: Up, the filter of None, Sub and Up with the smallest
files, and libdeflate at level 1, whose bytes depend on nothing but the pixels. ISA-L takes half of
its time, but another processor, and now and then a process, wrote some images in other bytes.
"""

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

deflate: Any
try:  # libdeflate, in the extra `data`: twice as fast as zlib, of the same size
    import deflate
except ImportError:
    deflate = None

# Source: W3C, Portable Network Graphics (third edition), 5.2, 5.3, 9.2, 11.2
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1
_UP = 2
_HEAD = struct.Struct(">IIBBBBB")
_EIGHT_BIT_RGB = (8, 2, 0, 0, 0)  # depth, colour, compression, filter method, no interlacing
_AROUND = 12  # bytes of a chunk besides its content: length, name, checksum
_BEFORE = len(SIGNATURE) + _AROUND + _HEAD.size  # the image data starts behind them

# Source: zlib's technical notes, "Maximum Compression Factor"
_MOST_TO_ONE = 1032

Rgb = npt.NDArray[np.uint8]


def encode(rgb: Rgb, level: int = _LEVEL) -> bytes:
    """Encode without loss or metadata; equal pixels give equal bytes with one libdeflate.

    Args:
        rgb: uint8 `(height, width, 3)`.
        level: of deflate; 0 for no compression, where nothing is kept of the bytes.
    """
    height, width, _ = rgb.shape
    raw = rgb.reshape(height, -1)
    rows = np.empty((height, 1 + raw.shape[1]), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = raw[0]
    np.subtract(raw[1:], raw[:-1], out=rows[1:, 1:])
    head = _HEAD.pack(width, height, *_EIGHT_BIT_RGB)
    data = _deflated(rows.data, level)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def decode(encoded: bytes) -> Rgb | None:
    """The pixels of what `encode` wrote; None for any other file, damaged ones among them.

    Returns:
        uint8 `(height, width, 3)`: RGB, 0..255, row 0 on top.
    """
    if not encoded.startswith(SIGNATURE) or len(encoded) < _BEFORE + 2 * _AROUND:
        return None
    width, height, *form = _HEAD.unpack_from(encoded, len(SIGNATURE) + 8)
    data = encoded[_BEFORE + 8 : -_AROUND - 4]
    head = encoded[len(SIGNATURE) + 8 : _BEFORE - 4]
    rebuilt = (_chunk(b"IHDR", head), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    if tuple(form) != _EIGHT_BIT_RGB or encoded != SIGNATURE + b"".join(rebuilt):
        return None
    return _unfiltered(data, width, height)


def _unfiltered(data: bytes, width: int, height: int) -> Rgb | None:
    size = height * (1 + 3 * width)
    if not 0 < size <= _MOST_TO_ONE * len(data):
        return None
    inflated = _inflated(data, size)
    if len(inflated) != size:
        return None
    rows = np.frombuffer(inflated, np.uint8).reshape(height, -1)
    if (rows[:, 0] != _UP).any():
        return None
    pixels = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)
    return pixels.reshape(height, width, 3)


def _deflated(rows: memoryview, level: int) -> bytes:
    return bytes(deflate.zlib_compress(rows, level) if deflate else zlib.compress(rows, level))


def _inflated(data: bytes, size: int) -> bytes | bytearray:
    """`size` bytes; of a stream that is broken or longer, other than `size`."""
    if deflate is None:
        try:
            return zlib.decompressobj().decompress(data, size + 1)
        except zlib.error:
            return b""
    try:
        found: bytearray = deflate.zlib_decompress(data, size)
    except deflate.DeflateError:
        return b""
    return found


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc32 = (deflate or zlib).crc32
    checksum = crc32(content, crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
