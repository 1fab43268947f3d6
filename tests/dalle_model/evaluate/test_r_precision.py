import numpy as np
import pytest

from dalle_model.evaluate.r_precision import (
    candidate_scores,
    draw_candidates,
    precision_of,
    r_precision,
)

CAPTIONS = [f"caption {n // 2}" for n in range(40)]  # each of 20 twice


def at(numbers):
    """Vectors that are nearer to their own kind than to any other."""
    return np.stack([np.cos(numbers), np.sin(numbers)], axis=1).astype(np.float32)


OWN = at([n // 2 for n in range(40)])


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


def test_images_that_show_their_captions_are_all_right():
    found = r_precision(OWN, OWN, CAPTIONS, candidates=20)
    assert (found.share, found.standard_error, found.images, found.candidates) == (1, 0, 40, 20)


def test_images_of_others_are_never_right_where_all_captions_are_candidates():
    assert r_precision(np.roll(OWN, 2, axis=0), OWN, CAPTIONS, candidates=20).share == 0


def test_scores_are_cosines_with_the_candidates():
    drawn = draw_candidates(CAPTIONS, 5, seed=3)
    numbers = np.array([[n // 2 for n in row] for row in drawn])
    expected = np.cos(numbers - numbers[:, :1])
    np.testing.assert_allclose(candidate_scores(OWN, OWN, drawn), expected, atol=1e-6)


def test_equal_scores_share_a_hit_so_that_a_blind_scorer_is_at_chance():
    assert precision_of(np.zeros((7, 100))).share == pytest.approx(0.01)
    half = precision_of(np.array([[1, 0], [0, 1.0]] * 50))
    assert (half.share, half.standard_error) == pytest.approx((0.5, 0.05))


def test_too_few_captions_are_told():
    with pytest.raises(ValueError, match="20 different captions are not enough for 100"):
        r_precision(OWN, OWN, CAPTIONS)
