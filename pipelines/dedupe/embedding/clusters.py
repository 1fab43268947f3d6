"""Spherical k-means of vectors of whole numbers: the cells in which vectors are compared.

Source: Abbas et al. 2023 (SemDeDup), section 3: k-means over all embeddings, pairs within clusters.
Ours is fitted to a sample, that with the first keys, in a fixed number of rounds.
"""

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.embedding.vectors import SCALE, Values, Vectors
from pipelines.dedupe.keys import starts_of_runs

# Shape letters: N vectors, D values, K clusters.

# Images of a cluster where the config names no number of clusters.
# Source: facebookresearch/SemDeDup `semdedup_configs.yaml`: 50,000 clusters of LAION-440M.
CLUSTER_IMAGES = 8800
SAMPLED = 64  # vectors for each centroid that is fitted; chosen by hand
MAX_SAMPLE = 1 << 18  # vectors; chosen: 256 MB with 512 values
ROUNDS = 20  # chosen: of 10,000 random vectors in 64 clusters, 0.5 % change theirs in the last
_PRODUCTS = 1 << 24  # of vectors and centroids at once; chosen: 64 MB
_FINER = 256  # steps of a mean between two whole numbers; its squares add up to less than 2**63


def num_clusters(asked: int, num_images: int) -> int:
    """How many clusters there are."""
    return asked or 1 + num_images // CLUSTER_IMAGES


def sampled(vectors: Vectors, asked: int, num_images: int) -> Vectors:
    """Those of a shard to which centroids are fitted, by the last digits of their images alone."""
    count = min(MAX_SAMPLE, SAMPLED * num_clusters(asked, num_images))
    limit = min(1 << 32, (count << 32) // max(1, num_images))
    return vectors.take(vectors.images["low"] < np.uint64(limit))


def fitted(sample: Vectors, asked: int, num_images: int) -> Values:
    """Centroids `(K, D)` of length `SCALE`, from the first vectors by image.

    There are no more of them than vectors.
    """
    order = np.lexsort((sample.images["high"], sample.images["low"]))
    values = sample.values[order]
    centroids = values[: num_clusters(asked, num_images)].copy()
    for _ in range(ROUNDS):
        which = nearest(values, centroids)
        members = np.argsort(which, kind="stable")
        starts = starts_of_runs(which[members])
        if len(starts):  # a cluster without members stays where it is
            sums = np.add.reduceat(values[members].astype(np.int64), starts, axis=0)
            counts = np.diff(np.append(starts, len(members)))
            centroids[which[members[starts]]] = _directions(sums, counts)
    return centroids


def nearest(values: Values, centroids: Values) -> npt.NDArray[np.int64]:
    """The centroid with the largest cosine of each vector, `(N,)`; the first of several."""
    if not len(centroids):  # of a run so small that none was sampled: one cluster
        return np.zeros(len(values), np.int64)
    step = max(1, _PRODUCTS // len(centroids))
    columns = centroids.T.astype(np.float32)
    found = [
        np.argmax(values[start : start + step].astype(np.float32) @ columns, axis=1)
        for start in range(0, len(values), step)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])


def _directions(sums: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Values:
    """The means of clusters at length `SCALE`, `(K, D)`."""
    means = sums * _FINER // counts[:, None]
    lengths = np.sqrt(np.maximum(1, np.square(means).sum(axis=1)).astype(np.float64))
    return np.asarray(np.rint(means * (SCALE / lengths)[:, None]), np.int16)
