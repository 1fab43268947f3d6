"""Small files that claim much: refused by their header, within a bounded memory."""

import struct
import sys
import zlib
from pathlib import Path

import pytest

from pipelines.images.config import ImagesConfig
from pipelines.images.sandbox.sandbox import Sandbox
from pipelines.rejection import Check
from tests.pipelines.images.test_decode import sized_gif, sized_jpeg
from tests.support.raw_images import PNG_HEAD, chunk, encode, smooth

CONFIG = ImagesConfig(side=32, resize="lanczos")
MAX_RSS = 300 * 1024  # kB
IMAGE = smooth(90, 60)
MANY = 300  # MB


def zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(megabytes)), packer.flush()])


def claimed_png(width: int, height: int, depth: int, colour: int, interlaced: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return PNG_HEAD + body


def png_with(extra: bytes) -> bytes:
    encoded = encode(IMAGE, "PNG")
    return encoded[:33] + extra + encoded[33:]


def claimed_webp(width: int, height: int) -> bytes:
    plain = encode(IMAGE, "WEBP", lossless=True)
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    body = b"WEBP" + extended + plain[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


ZEROS = zeros(MANY)
TOO_MANY = {
    "RGBA below Pillow's limit": claimed_png(13_000, 13_000, 8, 6),
    "colour where Pillow warns": claimed_png(10_000, 10_000, 8, 2),
    "colour where Pillow raises": claimed_png(60_000, 60_000, 8, 2),
    "16-bit colour with alpha": claimed_png(8000, 8000, 16, 6),
    "interlaced": claimed_png(9000, 9000, 8, 2, interlaced=1),
    "1-bit": claimed_png(50_000, 50_000, 1, 0),
    "palette": claimed_png(12_000, 12_000, 8, 3),
    "one column": claimed_png(1, 60_000_000, 8, 0),
    "one row": claimed_png(60_000_000, 1, 8, 0),
    "pixels of zeros": PNG_HEAD
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", ZEROS)
    + chunk(b"IEND", b""),
    "JPEG": sized_jpeg(65_000, 65_000),
    "JPEG of a camera's size": sized_jpeg(12_000, 12_000),
    "JPEG of one row": sized_jpeg(65_500, 900),
    "GIF": sized_gif(65_535, 65_535),
    "WebP": claimed_webp(16_383, 16_383),
}
BESIDE_PIXELS = {
    "profile": png_with(chunk(b"iCCP", b"x\0\0" + ZEROS)),
    "text": png_with(chunk(b"zTXt", b"k\0\0" + ZEROS)),
    "international text": png_with(chunk(b"iTXt", b"k\0\1\0\0\0" + ZEROS)),
    "hundred texts": png_with(chunk(b"zTXt", b"k\0\0" + zeros(1)) * 100),
    "frames": encode(
        IMAGE.quantize(4), "GIF", save_all=True, append_images=[IMAGE.quantize(3)] * 300
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_twenty_bombs_stay_within_300_megabytes() -> None:
    assert len(TOO_MANY) + len(BESIDE_PIXELS) == 20
    sandbox = Sandbox()
    try:
        for name, bomb in TOO_MANY.items():
            check = sandbox.measure(bomb, CONFIG).outcome
            assert isinstance(check, Check), name
            if name != "JPEG of one row":
                assert check.reason == "too_many_pixels", name
        for bomb in BESIDE_PIXELS.values():
            sandbox.measure(bomb, CONFIG)
        (decoder,) = sandbox._idle
        status = Path(f"/proc/{decoder._pid}/status").read_text()
        assert int(status.partition("VmHWM:")[2].split()[0]) <= MAX_RSS
        assert decoder._images == 20  # one process decoded them all
    finally:
        sandbox.close()
