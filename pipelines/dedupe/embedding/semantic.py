"""Images whose vectors point the same way: of one motif, which need not be copies of each other.

Source: Abbas et al. 2023 (SemDeDup), section 3: of two images of a cluster with a cosine above
1 - epsilon, one is dropped. The paper keeps the one that is farther from the centroid
(facebookresearch/SemDeDup, `which_to_keep: hard`); ours keeps the one that ranks first, as among
all other duplicates: that with more pixels, then with the smaller key.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.embedding.vectors import SCALE, Values, Vectors
from pipelines.dedupe.keys import Records, best_first, starts_of_runs
from pipelines.dedupe.verdicts import SEMANTIC, VERDICT_DTYPE, concatenated

REASON = "semantic_duplicate"

_WORSE, _BETTER = 1024, 8192  # vectors compared at once; chosen: 32 MB of products

# Shape letters: N vectors, D values.


def semantic_verdicts(vectors: Vectors, clusters: npt.NDArray[np.int64], limit: float) -> Records:
    """A verdict on each image that has a better-ranked one above the limit in its cluster.

    Args:
        vectors: in any order; all of the clusters that occur.
        clusters: `(N,)`: of each.
        limit: the largest cosine of two images that both stay.

    Returns:
        `VERDICT_DTYPE`; the better image is the first by rank, and may be dropped itself.
    """
    order = best_first(vectors.images)
    order = order[np.argsort(clusters[order], kind="stable")]
    starts = starts_of_runs(clusters[order])
    parts = [_of_cluster(vectors.take(rows), limit) for rows in np.split(order, starts[1:])]
    return concatenated(parts, VERDICT_DTYPE)


def _of_cluster(ranked: Vectors, limit: float) -> Records:
    pairs = [*_first_near(ranked.values, limit)]
    worse, better = (np.concatenate(rows) for rows in zip(*pairs, strict=True))
    verdicts = np.zeros(len(worse), VERDICT_DTYPE)
    for name in ("high", "low"):
        verdicts[name] = ranked.images[name][worse]
        verdicts[f"better_{name}"] = ranked.images[name][better]
    one, other = ranked.values[worse].astype(np.int64), ranked.values[better].astype(np.int64)
    cosines = (one * other).sum(axis=1) / SCALE**2
    verdicts["kind"], verdicts["measured"] = SEMANTIC, np.minimum(1, cosines)
    return verdicts


def _first_near(values: Values, limit: float) -> Iterator[tuple[npt.NDArray[np.int64], ...]]:
    """Positions that have an earlier one above the limit, and the first of these."""
    for start in range(0, max(1, len(values)), _WORSE):
        rows = np.arange(start, min(start + _WORSE, len(values)))
        block = values[rows].astype(np.float32)
        first = np.full(len(rows), -1)
        for begin in range(0, start + len(rows), _BETTER):
            columns = np.arange(begin, min(begin + _BETTER, start + len(rows)))
            left = np.flatnonzero(first < 0)
            products = block[left] @ values[columns].T.astype(np.float32)
            is_near = (products > limit * SCALE**2) & (columns < rows[left, None])
            has_one = is_near.any(axis=1)
            first[left[has_one]] = columns[is_near[has_one].argmax(axis=1)]
        found = first >= 0
        yield rows[found], first[found]
