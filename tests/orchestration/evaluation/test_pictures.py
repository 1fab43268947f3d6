"""An image is seen alike on both sides: cut, scaled, blurred."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dalle_model.pixels import to_png
from orchestration.evaluation.pictures import BrokenImageError, Look, decoded, looked_at
from tests.support.image_rows import noise


def test_a_look_is_the_centred_square_scaled_and_blurred_as_pillow_does_it() -> None:
    rgb = noise(1, height=20, width=30)
    square = Image.fromarray(rgb).crop((5, 0, 25, 20)).resize((64, 64), Image.Resampling.LANCZOS)
    assert np.array_equal(looked_at(rgb, Look(64)), np.asarray(square))
    blurred = square.filter(ImageFilter.GaussianBlur(2.5))
    assert np.array_equal(looked_at(rgb, Look(64, 2.5)), np.asarray(blurred))


def test_without_a_side_an_image_stays_as_it_is() -> None:
    rgb = noise(2, height=20, width=30)
    assert np.array_equal(looked_at(rgb, Look(0)), rgb)


def test_what_is_no_image_says_why() -> None:
    assert np.array_equal(decoded(to_png(noise(3))), noise(3))
    with pytest.raises(BrokenImageError, match="UnidentifiedImageError"):
        decoded(b"no image")
    with pytest.raises(BrokenImageError, match=r"(?i)truncated"):
        decoded(_jpeg()[:300])


def _jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(noise(4, 64, 64)).save(stream, "JPEG")
    return stream.getvalue()
