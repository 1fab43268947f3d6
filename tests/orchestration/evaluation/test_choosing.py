"""Of the images of a caption the best by the scorer is judged."""

import numpy as np
import pytest

from orchestration.evaluation.choosing import best_of, check_candidates
from orchestration.evaluation.sets import Picture, PictureSet, SamplesError
from pipelines.image_sets.layouts import SetImage

ORDER = [("b", 1), ("a", 2), ("a", 0), ("b", 0), ("a", 1), ("b", 2)]  # as digests may order them
PICTURES = [Picture(SetImage(f"{g}_{n}", ["x"], bytes), g, n) for g, n in ORDER]
SCORES = {("a", 0): 0.2, ("a", 1): 0.9, ("a", 2): 0.9, ("b", 0): 0.3, ("b", 1): 0.1, ("b", 2): 0.5}


def chosen(number: int) -> set[tuple[str, int]]:
    scores = np.array([SCORES[one] for one in ORDER])
    return {ORDER[place] for place in best_of(PICTURES, scores, number)}


def test_the_first_ones_of_a_caption_are_looked_at_and_of_equal_ones_the_first_is_best() -> None:
    assert chosen(1) == {("a", 0), ("b", 0)}
    assert chosen(2) == {("a", 1), ("b", 0)}
    assert chosen(3) == {("a", 1), ("b", 2)}


def test_too_few_images_of_a_caption_are_named() -> None:
    found = PictureSet("ours", "ours/", "folder", tuple(PICTURES[1:]))
    check_candidates(found, ())
    check_candidates(found, (1, 2))
    with pytest.raises(SamplesError, match=r"--best-of 3: ours/ has 2 image\(s\) of b;"):
        check_candidates(found, (1, 3))


def test_an_image_without_a_caption_cannot_be_chosen() -> None:
    found = PictureSet("ours", "ours/", "folder", (Picture(SetImage("a_0", [], bytes), "a"),))
    with pytest.raises(SamplesError, match="ours/: a_0 has no caption"):
        check_candidates(found, (1,))
