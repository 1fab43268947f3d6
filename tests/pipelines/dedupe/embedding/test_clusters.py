import numpy as np

from pipelines.dedupe.embedding import clusters
from pipelines.dedupe.embedding.clusters import fitted, nearest, num_clusters, sampled
from pipelines.dedupe.embedding.vectors import RANKED_DTYPE, Vectors, whole_numbers


def random_vectors(count: int, width: int = 16, seed: int = 0) -> Vectors:
    chance = np.random.default_rng(seed)
    found = chance.normal(size=(count, width))
    images = np.zeros(count, RANKED_DTYPE)
    images["high"] = chance.integers(0, 1 << 63, count)
    images["low"] = chance.integers(0, 1 << 32, count)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return Vectors(images, whole_numbers((found / lengths).astype(np.float32)))


def around(centres: int, each: int, spread: float = 0.05) -> Vectors:
    """Vectors close to some axes, the members of one after those of another."""
    chance = np.random.default_rng(3)
    found = np.repeat(np.eye(16)[:centres], each, axis=0)
    found += chance.normal(size=found.shape) * spread
    images = random_vectors(len(found)).images
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return Vectors(images, whole_numbers((found / lengths).astype(np.float32)))


def test_centroids_are_the_directions_of_the_groups_that_there_are() -> None:
    vectors = around(4, 50)
    centroids = fitted(vectors, 4, len(vectors.values))
    which = nearest(vectors.values, centroids).reshape(4, 50)
    assert centroids.shape == (4, 16)
    for group in which:  # no group is torn apart
        assert len(set(group.tolist())) == 1
    lengths = np.linalg.norm(centroids.astype(float), axis=1)
    assert np.all(np.abs(lengths - 4000) < 2)


def test_the_order_of_vectors_and_the_size_of_blocks_change_no_centroid(monkeypatch) -> None:
    vectors = random_vectors(500)
    expected = fitted(vectors, 8, 500)
    order = np.random.default_rng(1).permutation(500)
    monkeypatch.setattr(clusters, "_PRODUCTS", 8 * 7)
    assert np.array_equal(fitted(vectors.take(order), 8, 500), expected)


def test_products_are_exact_in_any_order() -> None:
    """As float32 adds them up, in blocks or backwards, they are those of whole numbers."""
    values = random_vectors(64, width=1024).values
    exact = values.astype(np.int64) @ values.astype(np.int64).T
    floats = values.astype(np.float32)
    assert np.array_equal(floats @ floats.T, exact)
    backwards = np.zeros_like(floats, shape=(64, 64))
    for column in range(1023, -1, -1):
        backwards += np.outer(floats[:, column], floats[:, column])
    assert np.array_equal(backwards, exact)


def test_a_sample_is_of_the_share_that_is_wanted_wherever_its_images_are(monkeypatch) -> None:
    monkeypatch.setattr(clusters, "SAMPLED", 100)
    vectors = random_vectors(4000)
    whole = sampled(vectors, 10, 4000)
    assert 900 < len(whole.values) < 1100
    halves = [sampled(vectors.take(rows), 10, 4000) for rows in np.split(np.arange(4000), 2)]
    assert np.array_equal(np.concatenate([half.values for half in halves]), whole.values)
    assert len(sampled(vectors, 100, 4000).values) == 4000


def test_a_cluster_has_as_many_images_as_in_the_paper_unless_their_number_is_given() -> None:
    assert [num_clusters(0, count) for count in (0, 8799, 8800, 440_000_000)] == [1, 1, 2, 50_001]
    assert num_clusters(7, 10**6) == 7


def test_few_or_no_vectors_are_one_cluster_or_none() -> None:
    none = random_vectors(0)
    centroids = fitted(none, 5, 0)
    assert len(centroids) == 0
    assert nearest(random_vectors(3).values, centroids).tolist() == [0, 0, 0]
    assert len(fitted(random_vectors(2), 5, 2)) == 2
