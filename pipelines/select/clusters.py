"""Rules on clusters of images: the centroid that an embedding is nearest to, and which are wanted.

Source: Gadre et al. 2023 (DataComp, arXiv 2304.14108), section 5, and mlfoundations/datacomp at
4a8df19, `baselines/apply_filter.py`: nearest by inner product, the first of equals.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.select.lists import ListError, array_in, loaded, read_list
from pipelines.select.recipe import CLUSTER, Judged, Rule, column
from pipelines.select.settings import SelectSettings

_AT_ONCE = 1024  # embeddings; chosen: 400 MB of products with 100,000 centroids
_MATRIX = 2  # axes


def in_target_cluster(settings: SelectSettings) -> Rule:
    """Images whose nearest centroid is a wanted one."""
    targets = target_clusters(settings)

    def judge(rows: pa.Table) -> Judged:
        clusters = column(rows, CLUSTER)
        return Judged(np.isin(clusters, targets), clusters)

    return Rule("unwanted_cluster", judge)


def target_clusters(settings: SelectSettings) -> NDArray[np.int64]:
    """The numbers of the wanted clusters, sorted.

    Raises:
        ListError: a file is missing, or none of these.
    """
    depends_on = [url for url in (settings.targets, settings.centroids) if url]
    return loaded(_targets, settings.targets, settings.centroids, depends_on=depends_on)


def nearest_centroids(embeddings: NDArray[Any], centroids: NDArray[Any]) -> NDArray[np.int64]:
    """The centroid with the greatest inner product with each embedding, the first of equals.

    Args:
        embeddings: `[images, width]`.
        centroids: `[clusters, width]`.
    """
    columns = centroids.astype(np.float32).T
    starts = range(0, len(embeddings), _AT_ONCE)
    parts = [embeddings[i : i + _AT_ONCE].astype(np.float32) @ columns for i in starts]
    return np.concatenate([np.zeros(0, np.int64), *(p.argmax(axis=1) for p in parts)])


def read_centroids(url: str) -> NDArray[Any]:
    """The centroids, `[clusters, width]`, loaded once in a process; raises `ListError`."""
    return loaded(_centroids, url, depends_on=[url])


def _centroids(url: str) -> NDArray[Any]:
    found = array_in(read_list(url, "centroids"), url, "centroids")
    if found.ndim != _MATRIX or found.dtype.kind != "f":
        raise ListError(f"select.centroids: {url} has the shape {found.shape} of {found.dtype}")
    return found


def _targets(targets: str, centroids: str) -> NDArray[np.int64]:
    found = array_in(read_list(targets, "targets"), targets, "targets")
    if found.dtype.kind in "iu":
        return np.unique(found.astype(np.int64))
    if found.ndim != _MATRIX or not centroids:
        raise ListError(
            f"select.targets: {targets} holds {found.dtype} of the shape {found.shape}; give whole "
            "numbers of clusters, or embeddings `[images, width]` with `select.centroids`"
        )
    return np.unique(nearest_centroids(found, read_centroids(centroids)))
