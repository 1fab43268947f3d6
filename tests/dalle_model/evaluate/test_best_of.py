from itertools import combinations

import numpy as np
import pytest

from dalle_model.evaluate.best_of import chosen_shares, doublings, expected_best, gains


def by_hand(scores, values, k: int) -> float:
    """The mean over every set of k of what its highest score, the first of equal ones, is worth."""
    chosen = [
        max(numbers, key=lambda i: (scores[i], -i))
        for numbers in combinations(range(len(scores)), k)
    ]
    return float(np.mean([values[i] for i in chosen]))


def test_every_set_of_images_counts_alike() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 4, (3, 7))  # with equal ones
    values = random.random((3, 7))
    sizes = [1, 2, 3, 6, 7]
    expected = [[by_hand(s, v, k) for s, v in zip(scores, values, strict=True)] for k in sizes]
    np.testing.assert_allclose(expected_best(scores, values, sizes), expected, rtol=1e-12)


def test_of_its_own_scores_it_rises_and_of_a_judge_who_knows_nothing_it_does_not() -> None:
    random = np.random.default_rng(1)
    scores, sizes = random.normal(size=(50, 32)), doublings(32)
    assert (np.diff(expected_best(scores, scores, sizes), axis=0) >= 0).all()
    constant = expected_best(scores, np.full((50, 32), 0.3), sizes)
    np.testing.assert_allclose(constant, 0.3, rtol=1e-12)
    aloof = expected_best(scores, random.random((50, 32)), sizes).mean(axis=1)
    np.testing.assert_allclose(aloof, 0.5, atol=0.15)


def test_right_or_wrong_by_who_knows_it_is_the_chance_that_one_of_k_is_right() -> None:
    right = np.array([[1, 0, 0, 1, 0, 0]])
    found = expected_best(right, right, [1, 2, 3, 5])
    np.testing.assert_allclose(found[:, 0], [2 / 6, 1 - 6 / 15, 1 - 4 / 20, 1], rtol=1e-12)


def test_shares_of_the_papers_512_are_shares() -> None:
    for k in (1, 2, 256, 512):
        assert chosen_shares(512, k).sum() == pytest.approx(1, rel=1e-12)
    assert chosen_shares(512, 1).tolist() == [1 / 512] * 512
    assert chosen_shares(512, 512)[:2].tolist() == [1, 0]


def test_doublings_end_with_all() -> None:
    assert [doublings(n) for n in (1, 2, 3, 16)] == [[1], [1, 2], [1, 2, 3], [1, 2, 4, 8, 16]]


@pytest.mark.parametrize("k", [0, 4])
def test_more_than_there_are_cannot_be_chosen_from(k) -> None:
    with pytest.raises(ValueError, match=f"best of {k} cannot be chosen from 3"):
        expected_best([[1, 2, 3]], [[1, 2, 3]], [k])


def test_tables_must_be_of_the_same_images() -> None:
    with pytest.raises(ValueError, match="are no one table"):
        expected_best([[1, 2, 3]], [[1, 2]], [1])


def test_gains_have_a_figure_for_each_number() -> None:
    found = gains([[0.1, 0.3, 0.2], [0.5, 0.4, 0.0]], [[0, 1, 0], [0, 1, 1]])
    assert found == pytest.approx(
        {
            "rate_best_of_1": (1 / 3 + 2 / 3) / 2,
            "rate_best_of_2": (2 / 3 + 1 / 3) / 2,
            "rate_best_of_3": 1 / 2,
            "score_best_of_1": (0.2 + 0.3) / 2,
            "score_best_of_2": (0.8 / 3 + 1.4 / 3) / 2,
            "score_best_of_3": 0.4,
            "any_best_of_1": (1 / 3 + 2 / 3) / 2,
            "any_best_of_2": (2 / 3 + 1) / 2,
            "any_best_of_3": 1,
        }
    )
