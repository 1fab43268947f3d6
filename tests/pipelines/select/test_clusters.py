import numpy as np
import pyarrow as pa
import pytest

from pipelines.select.clusters import in_target_cluster, nearest_centroids, target_clusters
from pipelines.select.config import SelectConfig
from pipelines.select.lists import ListError

CENTROIDS = np.eye(4, dtype=np.float32)


def config(tmp_path, targets: np.ndarray, *, has_centroids: bool) -> SelectConfig:
    np.save(tmp_path / "targets.npy", targets)
    np.save(tmp_path / "centroids.npy", CENTROIDS)
    centroids = str(tmp_path / "centroids.npy") if has_centroids else ""
    targets_at = str(tmp_path / "targets.npy")
    return SelectConfig(recipe="datacomp_image", targets=targets_at, centroids=centroids)


def test_the_first_of_equally_near_centroids():
    embeddings = np.array([[0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 0.1]], np.float16)
    assert nearest_centroids(embeddings, CENTROIDS).tolist() == [1, 0, 3]
    assert nearest_centroids(embeddings[:0], CENTROIDS).tolist() == []


def test_targets_as_numbers_and_as_embeddings(tmp_path):
    numbers = config(tmp_path, np.array([3, 1, 3]), has_centroids=False)
    assert target_clusters(numbers).tolist() == [1, 3]
    embeddings = config(tmp_path, 2 * CENTROIDS[[3, 1, 1]], has_centroids=True)
    assert target_clusters(embeddings).tolist() == [1, 3]
    judged = in_target_cluster(embeddings).judge(pa.table({"cluster": [0, 1, None, 3]}))
    assert judged.passes.tolist() == [False, True, False, True]


def test_embeddings_without_centroids_are_refused(tmp_path):
    with pytest.raises(ListError, match="give whole numbers of clusters, or embeddings"):
        target_clusters(config(tmp_path, CENTROIDS, has_centroids=False))
