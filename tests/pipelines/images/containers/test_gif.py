import io

import numpy as np
import pytest

from pipelines.images.config import ImagesConfig
from pipelines.images.containers.gif import without_side_data
from pipelines.images.rules import Reason, UnusableImageError
from tests.support.raw_images import decoded, encode, smooth

CONFIG = ImagesConfig(side=8)
IMAGE = smooth(48, 40).quantize(16)
PLAIN = encode(IMAGE, "GIF", transparency=3)
PIXELS = np.asarray(decoded(PLAIN, CONFIG))
BODY = 13 + 3 * 16  # behind the header and the palette


def is_kept(encoded: bytes) -> bool:
    return np.array_equal(decoded(encoded, CONFIG), PIXELS)


@pytest.mark.parametrize(
    "extension",
    [
        b"!\xf9\1\1\0",  # a graphic control of one byte, where four are right
        b"!\xff\x0bNETSCAPE2.0\1\1\0",
        b"!\xfe" + (b"\xff" + b"x" * 255) * 8000 + b"\0",
        b"!\x77\2ab\0",
    ],
)
def test_side_data_does_not_cost_the_image(extension):
    assert is_kept(PLAIN[:BODY] + extension + PLAIN[BODY:])


@pytest.mark.parametrize("tail", [b"", b"junk", b"!\xfe", b",\0\0"])
def test_what_follows_the_first_frame_does_not_cost_it(tail):
    assert is_kept(PLAIN[:-1] + tail)


def test_a_damaged_later_frame_does_not_cost_the_first():
    buffer = io.BytesIO()
    IMAGE.save(buffer, "GIF", save_all=True, append_images=[smooth(48, 40, 2).quantize(16)])
    animated = buffer.getvalue()
    first = decoded(animated, CONFIG)
    assert np.array_equal(decoded(animated[:-300], CONFIG), first)
    assert np.array_equal(decoded(without_side_data(animated), CONFIG), first)


def test_pixels_that_were_cut_are_a_rejection():
    for length in range(BODY + 30, len(PLAIN) - 9, 11):
        with pytest.raises(UnusableImageError) as caught:
            decoded(PLAIN[:length], CONFIG)
        assert caught.value.check.reason == Reason.TRUNCATED


def test_the_transparent_colour_survives():
    assert is_kept(without_side_data(PLAIN))
    assert (PIXELS == 255).all(axis=2).any()


@pytest.mark.parametrize("content", [b"GIF89a", b"GIF89a" + bytes(7), PLAIN[: BODY + 3]])
def test_a_file_without_a_frame_is_left_alone(content):
    assert without_side_data(content) == content
