import io

import numpy as np
import pytest
from PIL import Image

from pipelines.images.config import ImagesConfig
from pipelines.images.containers.webp import without_side_data
from pipelines.images.rules import Reason, UnusableImageError
from tests.support.raw_images import decoded, encode, smooth

CONFIG = ImagesConfig(side=8)
IMAGE = smooth(48, 40)
TURNED = Image.Exif()
TURNED[0x0112] = 6
PLAIN = encode(IMAGE, "WEBP", lossless=True)
RICH = encode(IMAGE, "WEBP", lossless=True, exif=TURNED, xmp=b"<x/>", icc_profile=b"garbage")


def is_kept(encoded: bytes) -> bool:
    return np.array_equal(decoded(encoded, CONFIG), np.asarray(IMAGE))


@pytest.mark.parametrize(
    "encoded",
    [
        RICH[: RICH.index(b"EXIF")],
        RICH[: RICH.index(b"EXIF") + 20],
        PLAIN[:4] + b"\xff\xff\xff\x7f" + PLAIN[8:],
        PLAIN[:4] + bytes(4) + PLAIN[8:],
        PLAIN[:12] + b"abcd\4\0\0\0xxxx" + PLAIN[12:],
        PLAIN + b"junk",
    ],
)
def test_side_data_does_not_cost_the_image(encoded):
    assert is_kept(encoded)


def test_an_orientation_before_damage_is_kept():
    cut = RICH[: RICH.index(b"XMP ") + 9]
    turned = np.asarray(IMAGE.transpose(Image.Transpose.ROTATE_270))
    assert np.array_equal(decoded(RICH, CONFIG), turned)
    assert np.array_equal(decoded(cut, CONFIG), turned)


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_pixels_that_were_cut_are_a_rejection(options):
    encoded = encode(IMAGE, "WEBP", **options)
    for length in range(20, len(encoded) - 1, 29):
        with pytest.raises(UnusableImageError) as caught:
            decoded(encoded[:length], CONFIG)
        assert caught.value.check.reason == Reason.UNDECODABLE


def test_a_damaged_later_frame_does_not_cost_the_first():
    buffer = io.BytesIO()
    later = [smooth(48, 40, seed) for seed in (1, 2)]
    IMAGE.save(buffer, "WEBP", lossless=True, save_all=True, append_images=later)
    animated = buffer.getvalue()
    assert animated.count(b"ANMF") == 3
    assert is_kept(animated[: animated.rindex(b"ANMF") - 50])


def test_what_pixels_need_survives():
    assert without_side_data(PLAIN) == PLAIN
    bare = without_side_data(RICH)
    assert b"EXIF" in bare
    assert b"ICCP" in bare
    assert b"XMP " not in bare
    assert bare[20] == RICH[20] & ~0x04


def test_anything_is_walked_to_its_end():
    for content in (b"RIFF\4\0\0\0WEBP", b"RIFF\4\0\0\0WEBPVP8X\0\0\0\0", b"RIFF"):
        assert without_side_data(content).startswith(b"RIFF")
