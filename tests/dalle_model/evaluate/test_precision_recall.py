import numpy as np
import pytest
import torch

from dalle_model.evaluate.precision_recall import precision_recall
from tests.support.features import random_features


@pytest.mark.filterwarnings("ignore")
def test_as_torch_fidelity():
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, samples = random_features(1100, 8, 1), random_features(150, 8, 2, 1.3)
    theirs = prc_features_to_metric(*map(torch.from_numpy, (samples, real)), verbose=False)
    ours = precision_recall(real, samples)
    assert ours == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-6)
    assert 0 < min(ours) < max(ours) < 1


def test_samples_at_one_place_are_precise_and_reach_little():
    real = np.arange(100.0)[:, None]
    samples = np.full((10, 1), 50.0)
    assert precision_recall(real, samples) == (1, 0.01)
    assert precision_recall(real, samples + 1000) == (0, 0)


def test_neighbours_need_images():
    with pytest.raises(ValueError, match="3 real images"):
        precision_recall(np.zeros((3, 1)), np.zeros((9, 1)))
