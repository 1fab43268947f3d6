from itertools import combinations

import numpy as np
import pytest
import torch

from dalle_model.evaluate.kernel_distance import discrepancy, kernel_distance
from tests.support.features import random_features

ONE, OTHER = random_features(60, 16, 1), random_features(60, 16, 2, 1.2, 0.1)


def test_by_its_definition():
    def kernel(x, y):
        return (x @ y / 16 + 1) ** 3

    one, other = ONE[:4].astype(float), OTHER[:3].astype(float)
    pairs = [np.mean([kernel(x, y) for x, y in combinations(points, 2)]) for points in (one, other)]
    across = np.mean([kernel(x, y) for x in one for y in other])
    assert discrepancy(one, other) == pytest.approx(sum(pairs) - 2 * across)


@pytest.mark.filterwarnings("ignore")
def test_as_clean_fid_and_torch_fidelity_where_a_draw_takes_all():
    from cleanfid.fid import kernel_distance as of_clean_fid
    from torch_fidelity.metric_kid import kid_features_to_metric

    ours, deviation = kernel_distance(ONE, OTHER, subsets=2)
    tensors = [torch.from_numpy(x).double() for x in (ONE, OTHER)]
    theirs = kid_features_to_metric(*tensors, kid_subsets=1, kid_subset_size=60, verbose=False)
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert ours == pytest.approx(of_clean_fid(ONE.astype(float), OTHER.astype(float), 1), rel=1e-9)
    assert deviation == pytest.approx(0, abs=1e-12)


def test_draws_are_of_the_seed_and_their_mean_is_that_of_all():
    drawn, deviation = kernel_distance(ONE, OTHER, 400, 20, seed=3)
    assert (drawn, deviation) == kernel_distance(ONE, OTHER, 400, 20, seed=3)
    assert drawn != kernel_distance(ONE, OTHER, 400, 20, seed=4)[0]
    assert abs(drawn - discrepancy(ONE, OTHER)) < 5 * deviation / 20


def test_of_one_distribution_it_is_0_on_average():
    found = [
        discrepancy(random_features(10, 16, seed), random_features(15, 16, -seed - 1 + 10**6))
        for seed in range(300)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(300)
    assert 0.3 < np.mean(np.array(found) < 0) < 0.8


def test_one_image_has_none():
    with pytest.raises(ValueError, match="1 images have no kernel distance"):
        kernel_distance(ONE[:1], OTHER)
