from dataclasses import replace

import numpy as np
import pytest

from dalle_model.evaluate.features import FeaturesError
from dalle_model.evaluate.moments import FeatureSums, load_moments, moments_of, save_moments
from tests.support.features import facts_of, random_features

DIM = 12
FACTS = facts_of(DIM)


def same_bits(one, other):
    return (
        one.mean.tobytes() == other.mean.tobytes()
        and one.covariance.tobytes() == other.covariance.tobytes()
    )


def test_mean_and_covariance_are_those_of_numpy():
    features = random_features(500, DIM) * 30
    found = moments_of([features], FACTS)
    assert (found.count, found.has_full_rank) == (500, True)
    np.testing.assert_allclose(found.mean, features.mean(0, np.float64), rtol=1e-8)
    expected = np.cov(features.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("size", [1, 7, 300])
def test_order_and_parts_change_no_bit(size):
    features = random_features(300, DIM) - 100
    shuffled = np.random.default_rng(1).permutation(features)
    parts = np.split(shuffled, range(size, len(shuffled), size))
    assert same_bits(moments_of(parts, FACTS), moments_of([features], FACTS))


def test_sums_of_two_machines_are_those_of_one():
    features = random_features(100, DIM)
    whole, one, other = (FeatureSums(FACTS) for _ in range(3))
    whole.add(features)
    one.add(features[:33])
    other.add(features[33:])
    other.merge(one)
    assert same_bits(other.moments(), whole.moments())
    with pytest.raises(FeaturesError, match="resize 'none' and 'area'"):
        other.merge(FeatureSums(facts_of(DIM, resize="area")))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1024, -1024])
def test_features_beyond_the_grid_are_refused(value):
    with pytest.raises(FeaturesError, match="not finite, or 1024 and more"):
        FeatureSums(FACTS).add(np.full((1, DIM), value, np.float32))


def test_features_of_another_length_and_single_images_are_refused():
    sums = FeatureSums(FACTS)
    with pytest.raises(FeaturesError, match=r"shape \(2, 3\).*12 values"):
        sums.add(np.zeros((2, 3), np.float32))
    sums.add(np.zeros((1, DIM), np.float32))
    with pytest.raises(FeaturesError, match="1 images have no covariance"):
        sums.moments()


def test_a_file_gives_back_what_was_saved(tmp_path):
    path = str(tmp_path / "real.npz")
    saved = moments_of([random_features(10, DIM)], FACTS)
    save_moments(path, saved)
    found = load_moments(path, FACTS)
    assert same_bits(found, saved)
    assert (found.count, found.facts, found.has_full_rank) == (10, FACTS, False)
    with np.load(path) as arrays:  # as pytorch-fid reads it
        assert np.array_equal(arrays["sigma"], saved.covariance)
    with pytest.raises(FeaturesError, match="made cannot be compared with those of another"):
        load_moments(path, replace(FACTS, name="another"))


def test_a_file_of_pytorch_fid_is_read_on_the_word_of_the_caller(tmp_path):
    path = str(tmp_path / "coco_val.npz")
    np.savez(path, mu=np.zeros(DIM), sigma=np.eye(DIM))
    with pytest.raises(FeaturesError, match="does not say by which feature function"):
        load_moments(path)
    found = load_moments(path, FACTS)
    assert (found.count, found.has_full_rank, found.facts) == (None, None, FACTS)
    with pytest.raises(FeaturesError, match="made has 5 values"):
        load_moments(path, facts_of(5))


def test_moments_that_are_no_numbers_are_refused(tmp_path):
    path = str(tmp_path / "x.npz")
    np.savez(path, mu=np.zeros(DIM), sigma=np.full((DIM, DIM), np.nan))
    with pytest.raises(FeaturesError, match="not finite"):
        load_moments(path, FACTS)


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_files_that_are_none_are_told(tmp_path, content):
    path = tmp_path / "x.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FeaturesError, match=r"x\.npz"):
        load_moments(str(path))
