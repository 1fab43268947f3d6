import math

import numpy as np
import pytest

from dalle_model.evaluate.retrieval import auc, others, recall_at_1


def slow_auc(own, other):
    wins = [(a > b) + (a == b) / 2 for a in own for b in other]
    return sum(wins) / len(wins)


def test_the_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    own, other = rng.integers(0, 9, 60), rng.integers(-2, 7, 80)  # with many ties
    assert auc(own, other) == pytest.approx(slow_auc(own, other))
    assert auc(other, own) == pytest.approx(1 - auc(own, other))
    assert auc([1.0], [1.0]) == 0.5
    assert math.isnan(auc([], [1.0]))


def test_the_area_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    own, other = rng.normal(1, 1, 300).round(1), rng.normal(0, 1, 200).round(1)
    labels = [1] * 300 + [0] * 200
    expected = metrics.roc_auc_score(labels, np.concatenate([own, other]))
    assert auc(own, other) == pytest.approx(expected)


def test_another_caption_is_never_an_equal_one():
    assert others(["a", "a", "b", "c"]).tolist() == [2, 2, 3, 0]
    assert others(["a", "a"]).tolist() == [0, 1]


def test_equal_captions_count_as_one():
    images, texts = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)
    assert recall_at_1(images, texts, ["a", "b", "c"]) == 1
    swapped = texts[[1, 0, 2]]
    assert recall_at_1(images, swapped, ["a", "b", "c"]) == pytest.approx(1 / 3)
    assert recall_at_1(images, swapped, ["a", "a", "c"]) == 1
