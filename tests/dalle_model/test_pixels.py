import io

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import crop_box, from_png, map_pixels, square, to_png, unmap_pixels

BYTES = np.arange(256, dtype=np.float32) / np.float32(255)


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_mapped_pixels_lie_between_the_eps_bounds():
    mapped = map_pixels(BYTES)
    assert (mapped.min(), mapped.max()) == pytest.approx((0.1, 0.9))


def test_every_byte_survives_map_and_unmap():
    assert np.array_equal(np.rint(unmap_pixels(map_pixels(BYTES)) * 255), np.arange(256))


def test_unmap_clips():
    assert unmap_pixels(np.array([0.0, 1.0], np.float32)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((10, 10), (0, 0, 10, 10)),
        ((13, 10), (1, 0, 11, 10)),
        ((10, 15), (0, 2, 10, 12)),
        ((1, 2), (0, 0, 1, 1)),
    ],
)
def test_the_crop_is_centred(size, box):
    assert crop_box(*size) == box


def test_a_square_of_the_right_side_is_untouched():
    rgb = random_image(16, 16)
    assert np.array_equal(square(Image.fromarray(rgb), 16), rgb)


def test_a_square_is_cropped_before_it_is_scaled():
    image = Image.fromarray(random_image(40, 60))
    expected = image.crop((10, 0, 50, 40)).resize((16, 16), Image.Resampling.LANCZOS)
    assert np.array_equal(square(image, 16), np.asarray(expected))


def test_an_image_is_never_scaled_up():
    with pytest.raises(ValueError, match="20x15 px, each edge needs 16 px"):
        square(Image.fromarray(random_image(15, 20)), 16)


def test_png_is_lossless_repeatable_and_without_metadata():
    rgb = random_image(9, 7)
    encoded = to_png(rgb)
    assert encoded == to_png(rgb.copy())
    assert np.array_equal(np.asarray(from_png(encoded)), rgb)
    with Image.open(io.BytesIO(encoded)) as image:
        assert image.info == {}
