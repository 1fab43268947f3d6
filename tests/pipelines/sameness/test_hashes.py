import io
import math

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.sameness.hashes import (
    SKETCH_BYTES,
    SKETCH_VALUES,
    THUMBNAIL_BYTES,
    content_box,
    describe,
    mean_cells,
    phash,
    resampling,
    thumbnail,
)
from tests.support.raw_images import encode, smooth


def slow_cells(rgb: Rgb) -> np.ndarray:
    """The share of each pixel in each of 32x32 cells, pixel by pixel."""

    def shares(size: int) -> np.ndarray:
        found = np.zeros((32, size))
        for cell in range(32):
            for pixel in range(size):
                start, end = max(cell * size / 32, pixel), min((cell + 1) * size / 32, pixel + 1)
                found[cell, pixel] = max(0.0, end - start) / (size / 32)
        return found

    return np.einsum(
        "yh,hwc,xw->yxc", shares(rgb.shape[0]), rgb.astype(float), shares(rgb.shape[1])
    )


def slow_phash(rgb: Rgb) -> int:
    """By the definition, in floats: DCT-II, 8x8 lowest, above the lower median by noise."""
    grey = slow_cells(rgb) @ [0.299, 0.587, 0.114]
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


def values(rgb: Rgb) -> np.ndarray:
    return np.frombuffer(describe(rgb)["sketch"][:SKETCH_VALUES], np.int8).astype(int)


@pytest.mark.parametrize("size", [(256, 341), (64, 64), (75, 101), (33, 47), (20, 500), (203, 31)])
def test_cells_are_the_means_of_their_pixels(size) -> None:
    rgb = np.asarray(smooth(size[1], size[0], 1))
    found = mean_cells(rgb, (2, 3, size[1] - 1, size[0]))
    assert np.abs(found - slow_cells(rgb[3:, 2:-1])).max() <= 4


def test_flat_cells_keep_their_level() -> None:
    for level in (0, 1, 127, 255):
        rgb = np.full((77, 131, 3), level, np.uint8)
        assert set(mean_cells(rgb, (0, 0, 131, 77)).ravel().tolist()) == {level}


def test_a_thumbnail_is_the_mean_of_four_cells() -> None:
    cells = np.random.default_rng(1).integers(0, 256, (32, 32, 3))
    slow = cells.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
    assert np.abs(thumbnail(cells) - slow).max() <= 0.5


@pytest.mark.parametrize("colours", [[(255, 255, 255)], [(0, 0, 0), (250, 250, 250)]])
def test_the_content_is_inside_all_borders(colours) -> None:
    rgb = np.asarray(smooth(60, 40, 1)).clip(60, 200)
    for edge, colour in enumerate(colours, 3):
        framed = np.full((rgb.shape[0] + 2 * edge, rgb.shape[1] + 2 * edge, 3), colour, np.uint8)
        framed[edge:-edge, edge:-edge] = rgb
        rgb = framed
    inset = sum(range(3, 3 + len(colours)))
    height, width, _ = rgb.shape
    assert content_box(rgb) == (inset, inset, width - inset, height - inset)


def test_without_a_border_the_content_is_all() -> None:
    for rgb in (np.asarray(smooth(60, 40, 1)), np.full((40, 60, 3), 9, np.uint8)):
        assert content_box(rgb) == (0, 0, 60, 40)


def test_describe_gives_a_view_of_the_image_and_one_of_its_content() -> None:
    rgb = np.asarray(smooth(60, 40, 1)).clip(0, 200)
    plain = describe(rgb)
    assert (len(plain["sketch"]), len(plain["thumbnail"])) == (SKETCH_BYTES, THUMBNAIL_BYTES)
    assert plain["phash"] == phash(rgb)
    assert int.from_bytes(plain["sketch"][-8:], "big") == phash(rgb)
    framed = np.full((52, 72, 3), 255, np.uint8)
    framed[6:-6, 6:-6] = rgb
    both = describe(framed)
    assert both["phash"] == phash(framed)
    assert both["sketch"][SKETCH_BYTES:] == plain["sketch"]
    assert both["thumbnail"][THUMBNAIL_BYTES:] == plain["thumbnail"]


@pytest.mark.parametrize("seed", range(10))
def test_a_crop_moves_a_sketch_no_further_than_its_reach(seed) -> None:
    whole = np.asarray(smooth(200, 200, seed))
    reach = describe(whole)["sketch"][SKETCH_VALUES]
    for box in (np.s_[10:, :], np.s_[:, 10:], np.s_[5:-5, 5:-5], np.s_[10:, :-10]):
        moved = np.linalg.norm(values(whole[box]) - values(whole))
        assert moved <= reach + 3


def test_resampling_keeps_levels_and_the_whole() -> None:
    assert (resampling(0, 0) == np.eye(16)).all()
    assert np.allclose(resampling(0.05, 0.02).sum(axis=1), 1)
