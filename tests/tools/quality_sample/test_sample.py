from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager

from pipelines.quality.scorers.plain import blankness
from tools.quality_sample.sample import (
    background,
    blank_sample,
    face_sample,
    text_sample,
    with_patches,
)

SCENES = [np.full((300, 400, 3), level, np.uint8) for level in (60, 90)]
FACE, OTHER = np.full((25, 25, 3), 255, np.uint8), np.full((25, 25, 3), 1, np.uint8)


def test_patches_of_faces_and_of_none_are_put_in_alike():
    made = face_sample(SCENES, [FACE], [OTHER], 20)
    assert [one.count > 0 for one in made] == [True, False] * 20
    assert {one.count for one in made} == {0, 1, 2, 3}
    for one in made:
        assert one.rgb.shape == (256, 256, 3)
        assert (one.rgb == 255).any() == (one.count > 0)
        assert (one.rgb == 1).any() == (one.count == 0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_patches_lie_apart(count):
    rgb = with_patches(SCENES, [FACE], count, np.random.default_rng(5))
    white = (rgb == 255).all(axis=2)
    quarters = [white[r : r + 128, c : c + 128] for r in (0, 128) for c in (0, 128)]
    assert sum(quarter.any() for quarter in quarters) == count


def test_half_of_the_images_are_written_on():
    made = text_sample(SCENES, [Path(font_manager.findfont("DejaVu Sans"))], 6)
    assert [np.ptp(one.rgb) > 0 for one in made] == [one.count > 0 for one in made]


def test_blank_images_are_nearly_of_one_colour():
    made = blank_sample([np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)], 6)
    assert [blankness(one.rgb) > 0.95 for one in made] == [True, False] * 6


def test_a_background_is_a_part_of_a_photograph_and_the_same_for_a_seed():
    one, other = (background(SCENES, np.random.default_rng(1)) for _ in range(2))
    assert (one == other).all()
    assert set(np.unique(one)) <= {60, 90}
