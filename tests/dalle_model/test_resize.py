import numpy as np
import pytest
from PIL import Image

from dalle_model.config import RESAMPLES
from dalle_model.resize import centred, rectangle, resize, square


def random_image(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def waves(height, width):
    """Smooth in all three colours, so that good filters agree."""
    y, x = np.mgrid[:height, :width] / 9
    return np.stack([np.sin(x + c) + np.cos(y - c) for c in range(3)], -1) * 60 + 128


def test_lanczos_is_that_of_pillow():
    rgb = random_image(60, 40)
    expected = Image.fromarray(rgb).resize((20, 30), Image.Resampling.LANCZOS)
    assert np.array_equal(resize(rgb, 20, 30, "lanczos"), np.asarray(expected))


def test_bicubic_is_that_of_pillow_within_rounding():
    rgb = random_image(60, 40)
    expected = Image.fromarray(rgb).resize((20, 30), Image.Resampling.BICUBIC)
    found = resize(rgb, 20, 30, "bicubic").astype(int)
    assert np.abs(found - np.asarray(expected)).max() <= 1


def test_area_is_the_mean_of_what_a_pixel_covers():
    rgb = random_image(23, 31)

    def weights(whole, length):
        ends = np.arange(length + 1) * whole / length
        pixels = np.arange(whole)
        inside = np.minimum(pixels + 1, ends[1:, None]) - np.maximum(pixels, ends[:-1, None])
        return inside.clip(0) * length / whole

    expected = np.einsum("yr,rcd,xc->yxd", weights(23, 9), rgb.astype(float), weights(31, 12))
    found = resize(rgb, 12, 9, "area")
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() <= 0.5 + 1e-9
    assert np.array_equal(resize(rgb, 31, 23, "area"), rgb)


@pytest.mark.parametrize("resample", RESAMPLES)
def test_detail_is_averaged_and_smooth_areas_are_kept(resample):
    stripes = np.tile(np.array([0, 255], np.uint8)[:, None], (64, 128, 3)).reshape(128, 128, 3)
    assert np.abs(resize(stripes, 16, 16, resample)[4:-4, 4:-4].astype(int) - 128).max() <= 2
    fine = waves(200, 200).astype(np.uint8)
    kept = resize(fine, 100, 100, resample)[5:-5, 5:-5].astype(int)
    assert np.abs(kept - fine[1::2, 1::2][5:-5, 5:-5]).max() <= 12


@pytest.mark.parametrize("resample", RESAMPLES)
def test_a_view_of_other_memory_is_scaled_like_a_copy(resample):
    rgb = random_image(40, 60)
    turned = rgb.transpose(1, 0, 2)[::-1]
    assert np.array_equal(resize(turned, 20, 30, resample), resize(turned.copy(), 20, 30, resample))


def test_a_square_of_the_right_side_is_untouched():
    rgb = random_image(16, 16)
    assert np.array_equal(square(rgb, 16), rgb)


@pytest.mark.parametrize("resample", RESAMPLES)
def test_a_square_is_cropped_before_it_is_scaled(resample):
    rgb = random_image(60, 40)
    assert np.array_equal(square(rgb, 16, resample), resize(rgb[10:50].copy(), 16, 16, resample))


def test_the_square_is_centred():
    rgb = random_image(40, 61)
    assert np.array_equal(centred(rgb), rgb[:, 10:50])


def test_an_image_is_never_scaled_up():
    with pytest.raises(ValueError, match="20x15 px, each edge needs 16 px"):
        square(random_image(15, 20), 16)


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [(100, 300, (slice(None), slice(75, 225))), (300, 90, (slice(120, 180), slice(None)))],
)
def test_a_rectangle_is_the_largest_of_its_aspect_in_the_centre(height, width, box):
    rgb = random_image(height, width)
    assert np.array_equal(rectangle(rgb, (16, 24)), resize(rgb[box].copy(), 24, 16, "lanczos"))
    assert np.array_equal(rectangle(rgb[:16, :24], (16, 24)), rgb[:16, :24])


def test_an_edge_below_that_of_the_rectangle_is_refused():
    for height, width in ((15, 40), (40, 23)):
        with pytest.raises(ValueError, match=f"image is {width}x{height} px, needs 24x16 px"):
            rectangle(random_image(height, width), (16, 24))
