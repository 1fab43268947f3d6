import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.sameness.alignment import BATCH, same_picture
from pipelines.sameness.hashes import mean_cells, thumbnail
from pipelines.sameness.likeness import Likeness

LIMITS = Likeness()


def picture(seed: int, edge: int = 200) -> Rgb:
    small = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((edge, edge), Image.Resampling.BICUBIC))


def cells(rgb: Rgb) -> Rgb:
    return thumbnail(mean_cells(rgb, (0, 0, rgb.shape[1], rgb.shape[0]))).reshape(1, -1)


def same(one: Rgb, other: Rgb) -> bool:
    return bool(same_picture(cells(one), cells(other), LIMITS)[0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "box", [(0, 0, 200, 200), (10, 0, 200, 200), (5, 5, 195, 195), (0, 10, 190, 200)]
)
def test_a_part_is_the_same_in_either_direction(seed, box) -> None:
    whole = picture(seed)
    left, top, right, bottom = box
    part = whole[top:bottom, left:right]
    assert same(whole, part)
    assert same(part, whole)


def test_a_mark_is_no_other_picture() -> None:
    marked = picture(1).copy()
    marked[150:170, 20:120] = marked[150:170, 20:120] // 2 + 100
    assert same(picture(1), marked)


def test_other_pictures_differ() -> None:
    ones = np.concatenate([cells(picture(n)) for n in range(40)])
    assert not same_picture(ones[:-1], ones[1:], LIMITS).any()


def test_small_things_on_white_differ() -> None:
    one, other = np.full((2, 200, 200, 3), 255, np.uint8)
    one[20:60, 20:60], other[120:160, 120:160] = 0, 0
    assert not same(one, other)


def test_batches_change_nothing() -> None:
    one, other = cells(picture(1)), cells(picture(2))
    ones = np.repeat(one, BATCH + 5, axis=0)
    others = np.concatenate([np.repeat(other, BATCH, axis=0), np.repeat(one, 5, axis=0)])
    assert same_picture(ones, others, LIMITS).tolist() == [False] * BATCH + [True] * 5
    assert len(same_picture(ones[:0], others[:0], LIMITS)) == 0
