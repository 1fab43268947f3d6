import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from dalle_model.train.kmeans import (
    fit_centroids,
    from_patches,
    kmeans,
    nearest_centroids,
    quantise,
    to_patches,
)


def points(count, width=6, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_patches_are_in_the_order_of_pixel_unshuffle():
    images = points(2 * 16 * 16, 3).reshape(2, 16, 16, 3)
    shuffled = functional.pixel_unshuffle(torch.from_numpy(images).permute(0, 3, 1, 2), 8)
    expected = shuffled.permute(0, 2, 3, 1).reshape(-1, 192).numpy()
    assert np.array_equal(to_patches(images, 8), expected)


def test_patches_go_back():
    images = points(2 * 24 * 24, 3).reshape(2, 24, 24, 3)
    assert np.array_equal(from_patches(to_patches(images, 8), 3), images)


def test_nearest_is_by_distance_and_ties_go_to_the_lower_index():
    some, centroids = points(50), points(7, seed=1)
    distances = np.square(some[:, None] - centroids[None]).sum(-1)
    assert np.array_equal(nearest_centroids(some, centroids), distances.argmin(1))
    assert nearest_centroids(some, np.stack([centroids[0]] * 3)).tolist() == [0] * 50


def test_centroids_are_the_means_of_their_points():
    some = points(200)
    found = kmeans(some, 5, 100, seed=0)
    nearest = nearest_centroids(some, found)
    means = np.stack([some[nearest == k].mean(axis=0) for k in range(5)])
    assert np.allclose(found, means, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 60), clusters=st.integers(1, 20), seed=st.integers(0, 5))
def test_more_iterations_are_never_worse(count, clusters, seed):
    some = points(count, seed=seed)

    def error(iterations):
        found = kmeans(some, clusters, iterations, seed)
        return np.square(some - found[nearest_centroids(some, found)]).sum()

    assert error(5) <= error(0) * (1 + 1e-5) + 1e-5


def test_an_empty_cluster_moves_to_the_worst_point():
    some = np.array([[0.0], [0.0], [0.0], [1.0], [100.0]], np.float32)
    found = kmeans(some, 3, 10, seed=0)
    assert sorted(found.ravel().tolist()) == [0.0, 1.0, 100.0]


def test_fewer_distinct_points_than_centroids():
    assert kmeans(np.ones((5, 2), np.float32), 4, 3, seed=0).tolist() == [[1, 1]] * 4


@pytest.mark.parametrize("seed", [0, 1])
def test_the_seed_decides(seed):
    some = points(100)
    assert np.array_equal(kmeans(some, 5, 4, seed), kmeans(some, 5, 4, seed))


def test_centroids_of_images_are_mapped_pixels_and_quantise_their_own_patches():
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    centroids = fit_centroids(images, 32, 3, seed=0)
    assert (centroids.shape, centroids.dtype.name) == ((32, 192), "float32")
    assert 0.1 - 1e-6 <= centroids.min() < centroids.max() <= 0.9 + 1e-6
    as_many = fit_centroids(images[:2], 16, 1, seed=0)  # patches of two images and their mirrors
    assert np.array_equal(quantise(images[:2], as_many), images[:2])
