"""Decoding and storing images, and what the compression level of their PNGs costs."""

import io
import warnings

import numpy as np
from PIL import Image

from benchmarks.material import SIDE, pairs
from benchmarks.measure import Row, race, size, speed
from dalle_model.pixels import Rgb, to_png
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.shard import measure_image, shrink

NUM_IMAGES = 300
LARGE_SIDE = 256  # pixels: of the paper; the archive holds 20 images of that size
LEVELS = (6, 1)


def measure() -> list[Row]:
    """Images per CPU-second, and PNG levels at the demo's size and the paper's."""
    encoded = [pair.encoded for pair in pairs(NUM_IMAGES)]
    config = ImagesConfig(side=SIDE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about palettes with transparency
        times = race(
            lambda: [measure_image(content, config) for content in encoded],
            lambda: [_decode_and_resize(content) for content in encoded],
        )
    floor = "floor: Pillow decode and resize"
    rows = [speed("Image to stored row", "images", floor, len(encoded), times)]
    for side in (SIDE, LARGE_SIDE):
        large_enough = [pair.encoded for pair in pairs(NUM_IMAGES, side)]
        stored = [shrink(decode(content, config), side) for content in large_enough]
        for level in LEVELS:
            rows += _compare_levels(stored, side, level)
    return rows


def _compare_levels(stored: list[Rgb], side: int, level: int) -> list[Row]:
    def at_level() -> list[bytes]:
        return [_png(rgb, level) for rgb in stored]

    times = race(lambda: [to_png(rgb) for rgb in stored], at_level)
    ours = sum(len(to_png(rgb)) for rgb in stored) / len(stored)
    theirs = sum(map(len, at_level())) / len(stored)
    name, other = f"PNG of {side} px", f"compress level {level}"
    return [
        speed(name, "images", other, len(stored), times),
        size(name, "bytes/image", other, ours, theirs),
    ]


def _decode_and_resize(encoded: bytes) -> Rgb:
    """As fast as Pillow alone: no checks, no profile, no hash, nothing stored."""
    with Image.open(io.BytesIO(encoded)) as image:
        scale = SIDE / min(image.size)
        width, height = (round(edge * scale) for edge in image.size)
        resized = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def _png(rgb: Rgb, level: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG", compress_level=level)
    return buffer.getvalue()
