import io

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import crop_box, from_stored, map_pixels, to_png, unmap_pixels

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


def test_png_is_lossless_repeatable_and_without_metadata():
    rgb = random_image(9, 7)
    encoded = to_png(rgb)
    assert encoded == to_png(rgb.copy())
    assert np.array_equal(from_stored(encoded), rgb)
    with Image.open(io.BytesIO(encoded)) as image:
        assert image.info == {}


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_what_others_wrote_is_read_as_well(form):
    buffer = io.BytesIO()
    Image.fromarray(np.full((9, 7, 3), 200, np.uint8)).save(buffer, form)
    assert (from_stored(buffer.getvalue()) == 200).all()


@pytest.mark.parametrize("damaged", [b"", b"no image", to_png(random_image(9, 7))[:-40]])
def test_a_damaged_file_raises_what_is_promised(damaged):
    with pytest.raises((OSError, SyntaxError, ValueError)):
        from_stored(damaged)
