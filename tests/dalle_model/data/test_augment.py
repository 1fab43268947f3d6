from collections import Counter

import numpy as np
import pytest

from dalle_model.cuts import Sizes
from dalle_model.data.augment import Augmentation, edge_needed
from dalle_model.data.permutation import key_of
from dalle_model.resize import resize, square
from dalle_model.views import cuts_of
from tests.support.image_rows import noise

KEY = "0123456789abcdef01234567"


def gradient(height, width):
    """Of which the place of each pixel can be told: red is the column, green the row."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], -1).astype(np.uint8)


def test_an_image_is_another_square_in_each_epoch_and_always_the_same_in_one():
    chosen = Augmentation("listing1", 16, seed=3)
    kept = noise(0, 24, 40)
    found = [chosen.square(kept, KEY, epoch) for epoch in range(20)]
    assert {one.shape for one in found} == {(16, 16, 3)}
    assert len({one.tobytes() for one in found}) > 15
    assert np.array_equal(found[7], chosen.square(kept, KEY, 7))
    assert not np.array_equal(found[7], Augmentation("listing1", 16, seed=4).square(kept, KEY, 7))
    assert not np.array_equal(found[7], chosen.square(kept, KEY[::-1], 7))


def test_listing_1_is_the_view_of_the_encode_stage_scaled_by_area():
    kept, sizes = noise(1, 96, 130), Sizes(130, 96, 130, 96)
    for epoch in range(12):
        seed = int(key_of("augment", 5, epoch))
        (cut,) = cuts_of(["dvae"], sizes, (64, 64), KEY, seed)
        left, top, right, bottom = cut.box
        expected = resize(kept[top:bottom, left:right], 64, 64, "area")
        found = Augmentation("listing1", 64, seed=5).square(kept, KEY, epoch)
        assert np.array_equal(found, expected[:, ::-1] if cut.is_flipped else expected)


@pytest.mark.parametrize(
    ("short", "least", "most"),
    [(256, 256, 256), (270, 270, 270), (300, 288, 300), (384, 288, 384)],
)
def test_the_sizes_are_those_of_the_listing_also_of_small_images(short, least, most):
    """The side of the box, 256 of `t` pixels, tells `t`: 256 s / t, rounded down."""
    sizes = Sizes(500, short, 500, short)
    boxes = [cuts_of(["dvae"], sizes, (256, 256), KEY, seed)[0].box for seed in range(400)]
    widths = {box.width for box in boxes}
    assert (min(widths), max(widths)) == (256 * short // most, 256 * short // least)
    assert all(box.width == box.height for box in boxes)


def test_crops_lie_everywhere_and_half_of_them_are_mirrored():
    kept, chosen = gradient(96, 200), Augmentation("listing1", 64)
    found = [chosen.square(kept, KEY, epoch) for epoch in range(600)]
    is_flipped = [bool(one[0, 0, 0] > one[0, -1, 0]) for one in found]
    assert 240 < sum(is_flipped) < 360
    left = [int(one[..., 0].min()) for one in found]
    assert min(left) <= 3
    assert max(int(one[..., 0].max()) for one in found) >= 196
    quarters = Counter(value // 34 for value in left)
    assert min(quarters[n] for n in range(4)) > 60


def test_shifts_repeat_the_edge_and_stay_within_their_bound():
    kept, chosen = gradient(16, 16), Augmentation("shift", 16, max_shift=2)
    found = [chosen.square(kept, KEY, epoch) for epoch in range(400)]
    middles = {(int(one[8, 8, 0]), int(one[8, 8, 1])) for one in found}
    assert middles == {(x, y) for x in (5, 6, 7, 8, 9, 10) for y in (6, 7, 8, 9, 10)}
    rows = {tuple(one[8, :, 0].tolist()) for one in found}
    ahead = [tuple(min(15, max(0, n + shift)) for n in range(16)) for shift in range(-2, 3)]
    assert rows == {row for one in ahead for row in (one, one[::-1])}


def test_without_augmentation_it_is_the_centre():
    chosen = Augmentation("none", 16)
    kept = chosen.kept(noise(2, 24, 40))
    assert kept is not None
    assert np.array_equal(kept, square(noise(2, 24, 40), 16))
    assert np.array_equal(chosen.square(kept, KEY, 9), kept)
    assert np.array_equal(chosen.centre(kept), kept)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((40, 60), None),
        ((80, 90), (80, 90)),
        ((96, 200), (96, 200)),
        ((192, 400), (96, 200)),
        ((300, 150), (192, 96)),
    ],
)
def test_for_listing_1_the_whole_image_is_kept_up_to_its_largest_size(shape, expected):
    chosen = Augmentation("listing1", 64)
    kept = chosen.kept(noise(0, *shape))
    assert (None if kept is None else kept.shape[:2]) == expected
    assert kept is None or chosen.centre(kept).shape == (64, 64, 3)


def test_which_edge_is_needed_is_known_without_an_image():
    assert edge_needed("listing1", 256) == 384
    assert edge_needed("shift", 256) == edge_needed("none", 256) == 256


def test_a_shift_that_does_not_mirror_keeps_left_and_right():
    kept = gradient(32, 32)
    plain, mirrored = (Augmentation("shift", 32, 3, mirrors=mirrors) for mirrors in (False, True))
    found = [plain.square(kept, KEY, epoch) for epoch in range(40)]
    assert all(one[0, 0, 0] < one[0, -1, 0] for one in found)
    assert len({one.tobytes() for one in found}) > 20
    either = [mirrored.square(kept, KEY, epoch) for epoch in range(40)]
    for one, other in zip(found, either, strict=True):
        assert np.array_equal(one, other) or np.array_equal(one[:, ::-1], other)
