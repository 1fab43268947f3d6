"""Every kind of pixel through `decode`, compared with colours worked out by hand."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipelines.images.config import ImagesConfig
from tests.support.raw_images import chunk, decoded, encode, png, shorts, smooth

CONFIG = ImagesConfig(side=8)
UPRIGHT = smooth(24, 16)
AS_STORED = {  # what a camera held that way writes: the inverse of how a viewer turns it
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def first_row(encoded: bytes) -> Any:
    return decoded(encoded, CONFIG)[0, :, :].tolist()


@pytest.mark.parametrize("orientation", AS_STORED)
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_eight_orientations(orientation, form) -> None:
    turn = AS_STORED[orientation]
    stored = UPRIGHT if turn is None else UPRIGHT.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = encode(stored, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    assert np.array_equal(decoded(encoded, CONFIG), np.asarray(UPRIGHT))


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\xff\xff", b""])
def test_broken_exif_is_ignored(exif) -> None:
    assert decoded(encode(UPRIGHT, "JPEG", exif=exif), CONFIG).shape == (16, 24, 3)


GREYS = [0, 35, 70, 105, 140, 175, 210, 255]
DEEP = [grey * 257 for grey in GREYS]


def test_grey_of_16_bits_keeps_its_brightness() -> None:
    assert first_row(png(8, 8, 16, 0, shorts(*DEEP))) == [[g] * 3 for g in GREYS]


def test_colour_of_16_bits_keeps_its_brightness() -> None:
    row = shorts(*[sample for deep in DEEP for sample in (deep, 0, 65_535)])
    assert first_row(png(8, 8, 16, 2, row)) == [[g, 0, 255] for g in GREYS]


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key"),
    [
        (16, 0, shorts(*DEEP), shorts(DEEP[1])),
        (16, 2, shorts(*[d for d in DEEP for _ in range(3)]), shorts(*[DEEP[1]] * 3)),
        (8, 0, bytes(GREYS), shorts(GREYS[1])),
        (8, 2, bytes(g for g in GREYS for _ in range(3)), shorts(*[GREYS[1]] * 3)),
    ],
)
def test_a_transparent_colour_is_white(depth, colour, row, key) -> None:
    found = first_row(png(8, 8, depth, colour, row, chunk(b"tRNS", key)))
    assert found == [[g] * 3 for g in [0, 255, *GREYS[2:]]]


@pytest.mark.parametrize(
    ("depth", "row", "expected"),
    [
        (4, bytes.fromhex("01234567"), [0, 255, 34, 51, 68, 85, 102, 119]),
        (2, bytes.fromhex("1b1b"), [0, 255, 170, 255] * 2),
        (1, b"\x0f", [0, 0, 0, 0, 255, 255, 255, 255]),
    ],
)
def test_a_transparent_grey_of_few_bits_is_white(depth, row, expected) -> None:
    found = first_row(png(8, 8, depth, 0, row, chunk(b"tRNS", shorts(1))))
    assert found == [[g] * 3 for g in expected]


def test_alpha_is_composited_on_white() -> None:
    half = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    assert np.abs(np.array(first_row(encode(half, "PNG"))[0]) - [255, 127, 127]).max() <= 1
    grey = Image.new("LA", (8, 8), (0, 0))
    assert first_row(encode(grey, "PNG"))[0] == [255, 255, 255]


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(form) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 255, 10, 20, 30])
    image.paste(0, (0, 0, 4, 8))
    found = first_row(encode(image, form, transparency=0))
    assert found == [[255] * 3] * 4 + [[10, 20, 30]] * 4


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_images_become_rgb(mode) -> None:
    assert first_row(encode(Image.new(mode, (8, 8), 255), "PNG"))[0] == [255] * 3


def test_cmyk_as_adobe_stores_it_inverted() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    found = np.array(first_row(encode(red, "JPEG", quality=95))[0])
    assert np.abs(found - [255, 0, 0]).max() <= 4


def test_ycck_as_adobe_stores_it() -> None:
    # Luma 255 - 200 = 55 without chroma, no black: inverted cyan, magenta, yellow of 55 each.
    stored = Image.new("CMYK", (16, 16), (200, 127, 127, 0))
    encoded = bytearray(encode(stored, "JPEG", quality=100, subsampling=0))
    encoded[encoded.index(b"Adobe") + 11] = 2  # its transform flag: YCCK
    found = np.array(first_row(bytes(encoded))[0])
    assert np.abs(found - 200).max() <= 4


def test_a_profile_is_applied() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = decoded(encode(UPRIGHT, "PNG"), CONFIG)
    assert np.array_equal(decoded(encode(UPRIGHT, "PNG", icc_profile=lab), CONFIG), plain)
    swapped = _swap_red_and_green(lab)
    turned = decoded(encode(UPRIGHT, "PNG", icc_profile=swapped), CONFIG)
    assert np.abs(turned.astype(int) - plain[:, :, [1, 0, 2]]).max() <= 2


def _swap_red_and_green(profile: bytes) -> bytes:
    """An sRGB profile whose red and green primaries have changed places, under another name."""
    assert profile.count(b"rXYZ") == profile.count(b"gXYZ") == 1
    swapped = profile.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))


@pytest.mark.parametrize("profile", [b"garbage", b"\0" * 128])
def test_a_broken_profile_is_ignored(profile) -> None:
    encoded = encode(UPRIGHT, "PNG", icc_profile=profile)
    assert np.array_equal(decoded(encoded, CONFIG), np.asarray(UPRIGHT))


def test_a_profile_of_another_colour_space_is_ignored() -> None:
    lab = io.BytesIO(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()).getvalue()
    encoded = encode(UPRIGHT, "PNG", icc_profile=lab)
    assert np.array_equal(decoded(encoded, CONFIG), np.asarray(UPRIGHT))
