import numpy as np
import pytest
import torch

from dalle_model.evaluate.inception_score import inception_score, softmax


def logits(number, classes, seed=0):
    return np.random.default_rng(seed).normal(0, 3, (number, classes)).astype(np.float32)


def test_a_classifier_that_knows_nothing_scores_1():
    assert inception_score(np.full((20, 8), 1 / 8)) == pytest.approx((1, 0))


def test_sure_of_all_classes_alike_scores_their_number():
    every_class_in_each_split = np.tile(np.eye(8), (10, 1))
    assert inception_score(every_class_in_each_split) == pytest.approx((8, 0))


def test_sure_of_one_class_scores_1():
    assert inception_score(np.tile(np.eye(8)[:1], (10, 1)), splits=2) == pytest.approx((1, 0))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("number", "splits"), [(100, 10), (103, 10), (50, 1)])
def test_as_torch_fidelity(number, splits):
    from torch_fidelity.metric_isc import isc_features_to_metric

    own = logits(number, 40)
    theirs = isc_features_to_metric(torch.from_numpy(own), splits, shuffle=False)
    ours = inception_score(softmax(own), splits)
    assert ours == pytest.approx(tuple(theirs.values()), rel=1e-9)


def test_logits_of_any_size_have_probabilities():
    found = softmax(np.array([[1e4, 0, -1e4]], np.float32))
    assert np.array_equal(found, [[1, 0, 0]])


def test_splits_are_by_order_unless_a_seed_deals_them():
    own = softmax(logits(60, 10))
    shuffled = own[np.random.default_rng(5).permutation(60)]
    by_order, whole = inception_score(own, 6), inception_score(own, 1)
    assert by_order != pytest.approx(inception_score(shuffled, 6), rel=1e-6)
    assert whole == pytest.approx(inception_score(shuffled, 1), rel=1e-12)
    assert inception_score(own, 6, seed=5) == inception_score(shuffled, 6)


@pytest.mark.parametrize("splits", [0, 5])
def test_no_more_splits_than_images(splits):
    with pytest.raises(ValueError, match="4 images cannot be scored"):
        inception_score(np.ones((4, 1)), splits)
