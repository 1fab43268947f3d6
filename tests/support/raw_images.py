"""Seeded images and hand-made PNGs for tests."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def smooth(width: int, height: int, seed: int = 0) -> Image.Image:
    """A colourful RGB image without hard edges."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def decoded(encoded: bytes, config: ImagesConfig) -> Rgb:
    return decode(encoded, config).rgb


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(width: int, height: int, depth: int, colour: int, row: bytes, *extra: bytes) -> bytes:
    """A PNG of equal rows, from raw samples; `extra` chunks go before the data."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress((b"\0" + row) * height)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return PNG_HEAD + b"".join(parts)


def shorts(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)
