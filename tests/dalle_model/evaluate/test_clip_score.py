import numpy as np
import pytest

from dalle_model.clip.scorer import Embedder
from dalle_model.evaluate.clip_score import clip_scores, reference_clip_scores

ANGLES = {"a cat": 0.0, "a dog": 60.0, "a car": 120.0}


class Angles:
    """Places images by their red byte and captions by their name on a circle, in degrees."""

    def embed_images(self, images):
        return self._placed([int(image[0, 0, 0]) for image in images])

    def embed_texts(self, captions):
        return self._placed([ANGLES[text.removeprefix("A photo depicts ")] for text in captions])

    def score(self, images, captions):
        assert all(caption.startswith("A photo depicts ") for caption in captions)
        return (self.embed_images(images) * self.embed_texts(captions)).sum(axis=1)

    def _placed(self, degrees):
        radians = np.radians(np.asarray(degrees, np.float32))
        return np.stack([np.cos(radians), np.sin(radians)], axis=1)


IMAGES = [np.full((1, 1, 3), degrees, np.uint8) for degrees in (0, 60, 0)]
CAPTIONS = ["a cat", "a cat", "a car"]


def test_two_and_a_half_cosines_and_never_below_0():
    assert clip_scores(Angles(), IMAGES, CAPTIONS) == pytest.approx([2.5, 1.25, 0], abs=1e-6)


def test_references_are_averaged_harmonically_by_the_closest():
    assert isinstance(Angles(), Embedder)
    scores = np.array([2.5, 1.25, 0.0])
    references = [["a dog", "a cat"], ["a dog", "a car"], ["a car"]]
    found = reference_clip_scores(scores, Angles(), CAPTIONS, references)
    expected = [2 / (1 / 2.5 + 1), 2 / (1 / 1.25 + 1 / 0.5), 0]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_reference_on_the_other_side_counts_as_0():
    found = reference_clip_scores(np.array([2.5]), Angles(), ["a cat"], [["a car"]])
    assert found == pytest.approx([0])


@pytest.mark.parametrize("references", [[["a cat"]], [["a cat"], ["a cat"], []]])
def test_each_image_needs_a_reference(references):
    with pytest.raises(ValueError, match="3 scores, 3 captions"):
        reference_clip_scores(np.zeros(3), Angles(), CAPTIONS, references)
