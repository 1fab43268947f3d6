import numpy as np
import pytest

from dalle_model.evaluate.clip_score import clip_scores, reference_clip_scores


def at(*degrees):
    """Vectors on a circle."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_two_and_a_half_cosines_and_never_below_0():
    found = clip_scores(at(0, 60, 0), at(0, 0, 120))
    assert found == pytest.approx([2.5, 1.25, 0], abs=1e-6)


def test_references_are_averaged_harmonically_by_the_closest():
    scores = np.array([2.5, 1.25, 0.0])
    found = reference_clip_scores(scores, at(0, 0, 0), [at(60, 0), at(60, 120), at(0)])
    expected = [2 / (1 / 2.5 + 1), 2 / (1 / 1.25 + 1 / 0.5), 0]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_reference_on_the_other_side_counts_as_0():
    assert reference_clip_scores(np.array([2.5]), at(0), [at(120)]) == pytest.approx([0])


@pytest.mark.parametrize("references", [[at(0)], [at(0), at(0), at()]])
def test_each_image_needs_a_reference(references):
    with pytest.raises(ValueError, match="3 scores, 3 captions"):
        reference_clip_scores(np.zeros(3), at(0, 0, 0), references)
