import io
import math

import numpy as np
import pytest
from blake3 import blake3
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.images.hashes import phash, pixel_hash
from tests.support.raw_images import encode, smooth


def test_the_pixel_hash_is_of_size_and_pixels() -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    content = b"\4\0\0\0\2\0\0\0" + bytes(range(24))
    assert pixel_hash(rgb) == blake3(content).hexdigest(16)
    assert pixel_hash(rgb) != pixel_hash(rgb.reshape(4, 2, 3))
    assert pixel_hash(np.asfortranarray(rgb)) == pixel_hash(rgb)


def slow_phash(rgb: Rgb) -> int:
    """By the definition, in floats: DCT-II, 8x8 lowest, above the lower median by noise."""
    grey = np.asarray(
        Image.fromarray(rgb).convert("L").resize((32, 32), Image.Resampling.LANCZOS), float
    )
    waves = [[math.cos(math.pi * u * (2 * x + 1) / 64) for x in range(32)] for u in range(8)]
    low = [float(np.sum(np.outer(down, along) * grey)) for down in waves for along in waves]
    limit = sorted(low)[31] + 64
    return int("".join("1" if value > limit else "0" for value in low), 2)


@pytest.mark.parametrize("seed", range(20))
def test_the_perceptual_hash_is_the_definition(seed) -> None:
    rgb = np.asarray(smooth(80 + seed, 60, seed))
    assert (phash(rgb) ^ slow_phash(rgb)).bit_count() <= 1


@pytest.mark.parametrize("seed", range(20))
def test_resizing_and_recompression_change_few_bits(seed) -> None:
    original = smooth(200, 150, seed)
    small = original.resize((130, 98), Image.Resampling.BILINEAR)
    again = Image.open(io.BytesIO(encode(small, "JPEG", quality=50))).convert("RGB")
    assert (phash(np.asarray(original)) ^ phash(np.asarray(again))).bit_count() <= 7


def test_different_images_differ_in_many_bits() -> None:
    hashes = [phash(np.asarray(smooth(64, 64, seed))) for seed in range(30)]
    distances = [(a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) > 7


def test_symmetric_drawings_are_not_hashed_by_noise() -> None:
    yy, xx = np.mgrid[-1:1:200j, -1:1:200j]
    ring = np.where(np.abs(np.hypot(xx, yy) - 0.6) < 0.1, 0, 255).astype(np.uint8)
    drawing = Image.fromarray(ring).convert("RGB")
    noisy = Image.open(io.BytesIO(encode(drawing, "JPEG", quality=60))).convert("RGB")
    assert (phash(np.asarray(drawing)) ^ phash(np.asarray(noisy))).bit_count() <= 7


@pytest.mark.parametrize("grey", [1, 128, 255])
def test_flat_images_share_one_hash(grey) -> None:
    assert phash(np.full((40, 40, 3), grey, np.uint8)) == 1 << 63
