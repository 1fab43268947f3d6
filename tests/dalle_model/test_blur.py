import numpy as np
import pytest
from PIL import Image, ImageFilter

from dalle_model.blur import WHOLE, blur_boxes, boxes_of, coordinates_of
from dalle_model.cuts import Box


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_pixels_outside_the_grown_box_are_untouched_and_those_inside_are_smooth():
    rgb = noise(100, 120)
    found = blur_boxes(rgb, coordinates_of([(40, 30, 80, 70)], 120, 100))
    changed = np.argwhere((found != rgb).any(axis=2))
    low, high = changed.min(axis=0), changed.max(axis=0)
    assert (low >= (24, 34)).all()  # 40 px and the pixel to which it is rounded, grown by a tenth
    assert (high < (76, 86)).all()
    inside = (slice(30, 70), slice(40, 80))
    assert found[inside].std() < rgb[inside].std() / 10
    assert np.abs(found[inside].mean() - rgb[inside].mean()) < 5


def test_the_gaussian_is_a_tenth_of_the_box():
    rgb = noise(400, 400)
    found = blur_boxes(rgb, coordinates_of([(100, 100, 300, 250)], 400, 400))
    (box,) = boxes_of(coordinates_of([(100, 100, 300, 250)], 400, 400), 400, 400)
    whole = Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(box.width / 10))
    middle = (slice(100, 250), slice(100, 300))
    assert np.abs(np.asarray(whole)[middle].astype(int) - found[middle]).max() <= 1


def test_boxes_at_the_edges_and_over_all_of_an_image():
    rgb = noise(20, 30)
    assert blur_boxes(rgb, [0, 0, WHOLE, WHOLE]).std() < rgb.std() / 4
    corner = blur_boxes(rgb, [WHOLE - 1, WHOLE - 1, WHOLE, WHOLE])
    assert (corner[:-3] == rgb[:-3]).all()
    assert (blur_boxes(rgb, []) == rgb).all()
    assert (blur_boxes(rgb, [9, 9, 9, 9]).shape) == rgb.shape


@pytest.mark.parametrize(("width", "height"), [(256, 256), (300, 77), (1, 1), (5000, 3)])
def test_a_box_that_is_stored_and_read_is_no_smaller_and_at_most_a_pixel_larger(width, height):
    box = (width / 3, height / 3, width / 2, height / 2)
    (found,) = boxes_of(coordinates_of([box], width, height), width, height)
    assert found.left <= box[0] < found.left + 2
    assert found.bottom - 2 < box[3] <= found.bottom
    assert 0 <= found.top <= found.bottom <= height


def test_the_whole_image_is_its_own_box():
    coordinates = coordinates_of([(0, 0, 640, 480)], 640, 480)
    assert coordinates == [0, 0, WHOLE, WHOLE]
    assert boxes_of(coordinates, 640, 480) == [Box(0, 0, 640, 480)]
