"""Forty files of every kind of pixel against values that no decoder worked out.

At most 2 of 255 levels off without loss, 8 through JPEG.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.images.config import ImagesConfig
from tests.pipelines.io.test_colours import AS_STORED
from tests.support.raw_images import chunk, decoded, encode, png, shorts, smooth

CONFIG = ImagesConfig(side=8)
LOSSLESS, JPEG = 2, 8
UPRIGHT = smooth(32, 24, 5)
PIXELS = np.asarray(UPRIGHT)
BEST = {"quality": 98, "subsampling": 0}
RAMP = np.arange(16) * 17  # sixteen greys from black to white


class Fixture(NamedTuple):
    name: str
    encoded: bytes
    expected: npt.NDArray[np.integer]
    tolerance: int = LOSSLESS


def turned(form: str, orientation: int, **options: object) -> Fixture:
    turn = AS_STORED[orientation]
    stored = UPRIGHT if turn is None else UPRIGHT.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    tolerance = JPEG if form == "JPEG" else LOSSLESS
    name = f"{form} in orientation {orientation}"
    return Fixture(name, encode(stored, form, exif=exif, **options), PIXELS, tolerance)


def rows_of(row: npt.NDArray[np.integer]) -> Rgb:
    """Sixteen equal rows of colours `(16, 3)` or greys `(16,)`."""
    colours = row if row.ndim == 2 else np.repeat(row[:, None], 3, axis=1)
    return np.repeat(colours[None], 16, axis=0).astype(np.uint8)


def composited(colour: npt.NDArray[np.integer], alpha: npt.NDArray[np.integer]) -> Rgb:
    share = alpha[..., None] / 255
    return np.round(colour * share + 255 * (1 - share)).astype(np.uint8)


def deep() -> Iterator[Fixture]:
    wide = RAMP * 257
    colours = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=1)
    samples = colours * 257
    yield Fixture("16-bit grey", png(16, 16, 16, 0, shorts(*wide)), rows_of(RAMP))
    yield Fixture("16-bit colour", png(16, 16, 16, 2, shorts(*samples.ravel())), rows_of(colours))
    with_alpha = np.concatenate([samples, wide[:, None]], axis=1)
    yield Fixture(
        "16-bit colour with alpha",
        png(16, 16, 16, 6, shorts(*with_alpha.ravel())),
        composited(rows_of(colours), np.repeat(RAMP[None], 16, axis=0)),
    )
    key = chunk(b"tRNS", shorts(int(wide[3])))
    hidden = np.where(np.arange(16) == 3, 255, RAMP)
    yield Fixture(
        "16-bit grey, one hidden", png(16, 16, 16, 0, shorts(*wide), key), rows_of(hidden)
    )


def shallow() -> Iterator[Fixture]:
    four = bytes.fromhex("0123456789abcdef")
    yield Fixture("4-bit grey", png(16, 16, 4, 0, four), rows_of(RAMP))
    two = np.tile([0, 85, 170, 255], 4)
    yield Fixture("2-bit grey", png(16, 16, 2, 0, bytes.fromhex("1b1b1b1b")), rows_of(two))
    one = np.repeat([0, 255], 8)
    yield Fixture("1-bit", png(16, 16, 1, 0, b"\x00\xff"), rows_of(one))
    palette = np.stack([RAMP, 255 - RAMP, RAMP], axis=1).astype(np.uint8)
    colours = chunk(b"PLTE", palette.tobytes())
    yield Fixture("palette", png(16, 16, 4, 3, four, colours), rows_of(palette))
    alphas = np.full(16, 255)
    alphas[:3] = (0, 128, 64)
    clear = chunk(b"tRNS", bytes([0, 128, 64]))
    yield Fixture(
        "palette with alphas",
        png(16, 16, 4, 3, four, colours, clear),
        composited(rows_of(palette), np.repeat(alphas[None], 16, axis=0)),
    )


def layered() -> Iterator[Fixture]:
    grey = UPRIGHT.convert("L")
    yield Fixture("grey PNG", encode(grey, "PNG"), np.repeat(np.asarray(grey)[..., None], 3, 2))
    alpha = Image.linear_gradient("L").resize(UPRIGHT.size)
    both = grey.copy()
    both.putalpha(alpha)
    expected = composited(np.repeat(np.asarray(grey)[..., None], 3, 2), np.asarray(alpha))
    yield Fixture("grey with alpha", encode(both, "PNG"), expected)
    colour = UPRIGHT.copy()
    colour.putalpha(alpha)
    expected = composited(PIXELS, np.asarray(alpha))
    yield Fixture("colour with alpha", encode(colour, "PNG"), expected)
    lossless = encode(colour, "WEBP", lossless=True, exact=True)
    yield Fixture("WebP with alpha", lossless, expected)
    few = UPRIGHT.quantize(8)
    yield Fixture("GIF", encode(few, "GIF"), np.asarray(few.convert("RGB")))
    hidden = encode(few, "GIF", transparency=0)
    holes = np.where((np.asarray(few) == 0)[..., None], 255, np.asarray(few.convert("RGB")))
    yield Fixture("GIF with a hidden colour", hidden, holes)


def moving() -> Iterator[Fixture]:
    frames = {"save_all": True, "append_images": [smooth(32, 24, 9)]}
    yield Fixture("animated PNG", encode(UPRIGHT, "PNG", **frames), PIXELS)
    yield Fixture("animated WebP", encode(UPRIGHT, "WEBP", lossless=True, **frames), PIXELS)
    few = UPRIGHT.quantize(8)
    animated = encode(few, "GIF", save_all=True, append_images=[smooth(32, 24, 9).quantize(8)])
    yield Fixture("animated GIF", animated, np.asarray(few.convert("RGB")))


def jpegs() -> Iterator[Fixture]:
    yield Fixture(
        "progressive JPEG", encode(UPRIGHT, "JPEG", progressive=True, **BEST), PIXELS, JPEG
    )
    grey = UPRIGHT.convert("L")
    expected = np.repeat(np.asarray(grey)[..., None], 3, 2)
    yield Fixture("grey JPEG", encode(grey, "JPEG", quality=95), expected, JPEG)
    inks = UPRIGHT.convert("CMYK")
    yield Fixture("CMYK JPEG", encode(inks, "JPEG", quality=95), PIXELS, JPEG)


FIXTURES = [
    *(turned("PNG", number) for number in AS_STORED),
    *(turned("JPEG", number, **BEST) for number in AS_STORED),
    *(turned("WEBP", number, lossless=True) for number in (1, 6, 8)),
    *(*deep(), *shallow(), *layered(), *moving(), *jpegs()),
]


def test_there_are_forty() -> None:
    assert len(FIXTURES) >= 40
    assert len({fixture.name for fixture in FIXTURES}) == len(FIXTURES)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
def test_pixels_are_right(fixture) -> None:
    found = decoded(fixture.encoded, CONFIG).astype(int)
    assert found.shape == fixture.expected.shape
    assert np.abs(found - fixture.expected).max() <= fixture.tolerance
