import numpy as np
import pytest

from dalle_model.evaluate.r_precision import (
    candidate_scores,
    draw_candidates,
    precision_of,
    r_precision,
)

CAPTIONS = [f"caption {n // 2}" for n in range(40)]  # each of 20 twice


class Numbers:
    """Scores a caption by how near its number is to the red byte of the image."""

    def score(self, images, captions):
        pairs = zip(images, captions, strict=True)
        return np.array([-abs(int(i[0, 0, 0]) - int(c.split()[1])) for i, c in pairs], np.float32)


class Placed(Numbers):
    """The same as vectors: the score is a product, largest where the numbers are equal."""

    def embed_images(self, images):
        return self._placed([int(image[0, 0, 0]) for image in images])

    def embed_texts(self, captions):
        return self._placed([int(caption.split()[1]) for caption in captions])

    def _placed(self, numbers):
        return np.stack([np.cos(numbers), np.sin(numbers)], axis=1).astype(np.float32)


def images_of(numbers):
    return [np.full((1, 1, 3), number, np.uint8) for number in numbers]


OWN = images_of(n // 2 for n in range(40))


def test_candidates_are_the_own_caption_and_others_each_once():
    drawn = draw_candidates(CAPTIONS, 15, seed=1)
    assert drawn.shape == (40, 15)
    assert np.array_equal(drawn[:, 0], np.arange(40))
    assert all(len({CAPTIONS[number] for number in row}) == 15 for row in drawn)
    assert np.array_equal(drawn, draw_candidates(CAPTIONS, 15, seed=1))
    assert not np.array_equal(drawn, draw_candidates(CAPTIONS, 15, seed=2))


def test_all_others_are_drawn_alike():
    drawn = draw_candidates([f"c {n}" for n in range(400)], 100, seed=0)
    counts = np.bincount(drawn[:, 1:].ravel(), minlength=400)  # 99 each on average
    assert abs(counts - 99).max() < 5 * np.sqrt(99)


@pytest.mark.parametrize("scorer", [Numbers(), Placed()])
def test_images_that_show_their_captions_are_all_right(scorer):
    found = r_precision(scorer, OWN, CAPTIONS, candidates=20)
    assert (found.share, found.standard_error, found.images, found.candidates) == (1, 0, 40, 20)


def test_images_of_others_are_never_right_where_all_captions_are_candidates():
    shifted = images_of((n // 2 + 1) % 20 for n in range(40))
    assert r_precision(Numbers(), shifted, CAPTIONS, candidates=20).share == 0


def test_vectors_give_the_scores_of_pairs():
    drawn = draw_candidates(CAPTIONS, 5, seed=3)
    found = candidate_scores(Placed(), OWN, CAPTIONS, drawn)
    numbers = np.array([[n // 2 for n in row] for row in drawn])
    np.testing.assert_allclose(found, np.cos(numbers - numbers[:, :1]), atol=1e-6)


def test_equal_scores_share_a_hit_so_that_a_blind_scorer_is_at_chance():
    assert precision_of(np.zeros((7, 100))).share == pytest.approx(0.01)
    half = precision_of(np.array([[1, 0], [0, 1.0]] * 50))
    assert (half.share, half.standard_error) == pytest.approx((0.5, 0.05))


def test_too_few_captions_are_told():
    with pytest.raises(ValueError, match="20 different captions are not enough for 100"):
        r_precision(Numbers(), OWN, CAPTIONS)
