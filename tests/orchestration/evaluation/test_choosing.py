"""Of the images of a caption the best by the scorer is judged."""

import numpy as np
import pytest

from dalle_model.errors import UsageError
from orchestration.evaluation.choosing import best_of
from orchestration.evaluation.sets import Picture
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
    with pytest.raises(UsageError, match=r"--best-of 4: b has 3 image\(s\)"):
        best_of(PICTURES, np.zeros(6), 4)
