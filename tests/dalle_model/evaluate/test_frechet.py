import numpy as np
import pytest
import torch

from dalle_model.evaluate.features import FeaturesError
from dalle_model.evaluate.frechet import frechet_distance, trace_of_root
from dalle_model.evaluate.moments import Moments, moments_of
from tests.support.features import facts_of, random_features


def gaussian(mean, covariance):
    return Moments(np.asarray(mean, float), np.asarray(covariance, float), 9, facts_of(len(mean)))


def fitted(features):
    return moments_of([features], facts_of(features.shape[1]))


def dual(one, other):
    """`tr (S1 S2)^(1/2)` from the images themselves: exact whatever the rank."""
    centred = [(x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (one.astype(float), other)]
    return np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()


def test_diagonal_covariances_have_a_closed_form():
    one = gaussian([0, 1, 2], np.diag([1, 4, 0]))
    other = gaussian([3, 1, 6], np.diag([9, 4, 25]))
    assert frechet_distance(one, other) == pytest.approx(9 + 16 + (2**2 + 0 + 5**2))


def test_equal_moments_are_0_apart_and_scaled_ones_as_the_deviations():
    own = fitted(random_features(400, 30))
    tripled = gaussian(own.mean, own.covariance * 9)
    assert frechet_distance(own, own) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(own, tripled) == pytest.approx(4 * np.trace(own.covariance))
    assert frechet_distance(tripled, own) == pytest.approx(frechet_distance(own, tripled))


def test_images_that_are_all_equal_have_only_a_mean():
    assert frechet_distance(gaussian([1, 1], np.zeros((2, 2))), gaussian([0, 0], np.eye(2))) == 4


def test_conventions_are_not_mixed():
    one, other = (
        Moments(np.zeros(2), np.eye(2), 9, facts_of(2, name=name))
        for name in ("inception-fid", "inception-torchvision")
    )
    with pytest.raises(FeaturesError, match=r"inception-fid .*inception-torchvision"):
        frechet_distance(one, other)


@pytest.mark.filterwarnings("ignore")  # of what the packages import, and of scipy
@pytest.mark.parametrize("number", [300, 60])  # of which 60 lack full rank
def test_as_clean_fid_and_torch_fidelity(number):
    from cleanfid.fid import frechet_distance as of_clean_fid
    from torch_fidelity import metric_fid

    sets = random_features(number, 128, 1), random_features(number, 128, 2, 1.1, 0.05)
    ours = frechet_distance(*map(fitted, sets))
    told = [metric_fid.fid_features_to_statistics(torch.from_numpy(x).double()) for x in sets]
    theirs = metric_fid.fid_statistics_to_metric(*told, verbose=False)
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)
    (first, second) = told
    clean = of_clean_fid(first["mu"], first["sigma"], second["mu"], second["sigma"])
    assert ours == pytest.approx(clean, rel=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_what_clean_fid_falls_back_to_is_close(monkeypatch, capsys):
    from cleanfid import fid
    from scipy import linalg

    results = [(np.full((1, 1), np.nan), 0)]  # of a singular product, once
    root = linalg.sqrtm
    monkeypatch.setattr(
        fid.linalg, "sqrtm", lambda x, disp=None: results.pop() if results else root(x)
    )
    one, other = map(fitted, (random_features(60, 64, 1), random_features(60, 64, 2, 2.0, 0.5)))
    clean = fid.frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    assert "singular product" in capsys.readouterr().out
    assert frechet_distance(one, other) == pytest.approx(clean, rel=1e-3)


def test_fewer_images_than_the_2048_values_of_inception():
    sets = random_features(200, 2048, 1), random_features(150, 2048, 2, 1.1)
    one, other = map(fitted, sets)
    assert one.has_full_rank is False
    found = trace_of_root(one.covariance, other.covariance)
    assert found == pytest.approx(dual(*sets), rel=1e-6)
