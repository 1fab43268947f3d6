import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalle_model.cuts import Box, Cut, Sizes, cut_out, too_short
from dalle_model.pixels import crop_box
from dalle_model.resize import rectangle
from tests.support.image_rows import noise

EDGES = st.integers(8, 900)


def scaled(width: int, height: int, side: int) -> Sizes:
    """As the images stage stores it."""
    short = min(width, height)
    if short <= side:
        return Sizes(width, height, width, height)
    return Sizes(width, height, round(width * side / short), round(height * side / short))


@given(EDGES, EDGES, st.integers(8, 300))
def test_the_centre_of_the_original_is_the_centre_of_what_is_stored(width, height, side):
    sizes = scaled(width, height, side)
    found = sizes.stored(Box(*crop_box(width, height)))
    assert found == crop_box(sizes.stored_width, sizes.stored_height)


@given(EDGES, EDGES, st.integers(8, 300), st.data())
def test_a_box_of_the_original_is_one_of_what_is_stored(width, height, side, data):
    sizes = scaled(width, height, side)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right = data.draw(st.integers(left + 1, width))
    bottom = data.draw(st.integers(top + 1, height))
    box = Box(left, top, right, bottom)
    if not sizes.holds(box):
        return
    found = sizes.stored(box)
    assert 0 <= found.left < found.right <= sizes.stored_width
    assert 0 <= found.top < found.bottom <= sizes.stored_height
    across, down = sizes.stored_width / width, sizes.stored_height / height
    moved = np.subtract(found, [left * across, top * down, right * across, bottom * down])
    if sizes.frame == (0, 0, width, height):
        assert np.abs(moved).max() < 2.5


def test_all_of_an_image_that_is_stored_as_it_is_stays_where_it_is():
    sizes = Sizes(70, 50, 70, 50)
    assert sizes.frame == (0, 0, 70, 50)
    assert sizes.scale == 1
    assert sizes.stored(Box(3, 4, 60, 31)) == (3, 4, 60, 31)


def test_of_a_square_that_is_stored_the_centre_of_the_original_is_there():
    sizes = Sizes(100, 60, 30, 30)
    assert sizes.frame == (20, 0, 80, 60)
    assert sizes.stored(Box(20, 0, 50, 30)) == (0, 0, 15, 15)
    assert sizes.holds(Box(20, 0, 80, 60))
    assert not sizes.holds(Box(19, 0, 79, 60))
    cut = Cut(Box(0, 0, 60, 60), False, (8, 8))
    with pytest.raises(ValueError, match="not all of"):
        cut_out(noise(0, 30, 30), cut, sizes, "lanczos")


@pytest.mark.parametrize("resample", ["lanczos", "bicubic"])
def test_what_is_cut_out_is_cropped_once_and_scaled_once(resample):
    rgb, sizes = noise(0, 40, 50), Sizes(50, 40, 50, 40)
    cut = Cut(Box(5, 8, 37, 40), False, (16, 16))
    found = cut_out(rgb, cut, sizes, resample)
    assert np.array_equal(found, rectangle(rgb[8:40, 5:37], (16, 16), resample))
    mirrored = cut_out(rgb, Cut(cut.box, True, cut.shape), sizes, resample)
    assert np.array_equal(mirrored, found[:, ::-1])
    assert mirrored.flags["C_CONTIGUOUS"]


def test_pixels_that_need_no_scaling_are_those_of_the_image():
    rgb = noise(0, 40, 50)
    cut = Cut(Box(1, 2, 17, 14), False, (12, 16))
    assert np.array_equal(cut_out(rgb, cut, Sizes(50, 40, 50, 40), "bicubic"), rgb[2:14, 1:17])


def test_nothing_is_scaled_up():
    sizes = Sizes(100, 80, 50, 40)
    assert too_short(Cut(Box(0, 0, 32, 32), False, (16, 16)), sizes) is None
    cut = Cut(Box(0, 0, 32, 29), False, (16, 16))
    assert too_short(cut, sizes) == (15, 16)
    assert too_short(Cut(Box(0, 0, 20, 10), False, (16, 16)), sizes) == (5, 16)
    with pytest.raises(ValueError, match="15 px cannot be scaled to 16 px"):
        cut_out(noise(0, 40, 50), cut, sizes, "lanczos")
