import numpy as np
import pytest

from pipelines.dedupe.embedding import semantic
from pipelines.dedupe.embedding.semantic import semantic_verdicts
from pipelines.dedupe.embedding.vectors import RANKED_DTYPE, SCALE, Vectors, whole_numbers


def vectors_of(count: int, seed: int = 0) -> Vectors:
    """Few directions, so that many vectors are near each other."""
    chance = np.random.default_rng(seed)
    found = chance.normal(size=(count, 3))
    images = np.zeros(count, RANKED_DTYPE)
    images["high"], images["area"] = np.arange(count), chance.integers(1, 4, count)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return Vectors(images, whole_numbers((found / lengths).astype(np.float32)))


def slowly(vectors: Vectors, clusters: np.ndarray, limit: float) -> dict[int, int]:
    """By image, the first by rank of those that are near, as SemDeDup compares them."""
    order = sorted(range(len(clusters)), key=lambda n: (-int(vectors.images["area"][n]), int(n)))
    dropped = {}
    for place, one in enumerate(order):
        for other in order[:place]:
            product = int(vectors.values[one].astype(int) @ vectors.values[other].astype(int))
            if clusters[one] == clusters[other] and product > limit * SCALE**2:
                dropped[one] = other
                break
    return dropped


@pytest.mark.parametrize(("worse", "better"), [(1024, 8192), (7, 5), (1, 1), (16, 3)])
def test_verdicts_are_those_of_all_pairs_of_a_cluster(worse, better, monkeypatch) -> None:
    monkeypatch.setattr(semantic, "_WORSE", worse)
    monkeypatch.setattr(semantic, "_BETTER", better)
    vectors, clusters = vectors_of(60), np.arange(60) % 3
    expected = slowly(vectors, clusters, 0.95)
    assert 10 < len(expected) < 50
    for rows in (np.arange(60), np.random.default_rng(1).permutation(60)):
        found = semantic_verdicts(vectors.take(rows), clusters[rows], 0.95)
        pairs = zip(found["high"].tolist(), found["better_high"].tolist(), strict=True)
        assert dict(pairs) == expected


def test_the_cosine_is_measured() -> None:
    values = whole_numbers(np.array([[1, 0], [0.6, 0.8], [1, 0]], np.float32))
    images = np.zeros(3, RANKED_DTYPE)
    images["high"], images["area"] = [1, 2, 3], [3, 2, 1]
    found = semantic_verdicts(Vectors(images, values), np.zeros(3, int), 0.5)
    assert found["measured"].tolist() == [0.6, 1.0]
    assert set(found["kind"].tolist()) == {2}


def test_no_image_is_without_verdicts() -> None:
    assert len(semantic_verdicts(vectors_of(0), np.zeros(0, int), 0.9)) == 0
