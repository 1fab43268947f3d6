"""Precision and recall of samples: which lie among real images, and which of those they reach."""

import numpy as np
from numpy.typing import NDArray

# Shape letters: N real images, M samples, D values of a vector.

Floats = NDArray[np.floating]
NEIGHBOURS = 3  # of the ball around an image. Source: Kynkaanniemi et al. 2019, section 2
_BLOCK = 1024  # chosen: rows of distances held in memory at a time


def precision_recall(
    real_ND: Floats, samples_MD: Floats, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """How many of one set lie in the balls around the other one's images.

    A ball reaches to the k-th nearest image of its own set.

    Args:
        real_ND: features of real images.
        samples_MD: of samples, by the same feature function: `require_same` tells.
        neighbours: k.

    Returns:
        Precision, the share of samples within a ball of a real image, and recall, the share of real
        images within a ball of a sample; both 0..1. They grow with N and M: compare equal ones.

    Raises:
        ValueError: a set has no more images than `neighbours`.

    Source: Kynkaanniemi et al. 2019, equations 1-3.
    """
    if min(len(real_ND), len(samples_MD)) <= neighbours:
        raise ValueError(
            f"{len(real_ND)} real images and {len(samples_MD)} samples have no {neighbours} "
            "neighbours each"
        )
    real, samples = real_ND.astype(np.float64), samples_MD.astype(np.float64)
    precision = _share_within(samples, real, _radii(real, neighbours))
    return precision, _share_within(real, samples, _radii(samples, neighbours))


def _radii(points: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    """Squared distances to the k-th nearest other point."""
    return np.concatenate(
        [
            # the point itself is the nearest
            np.partition(_squared(block, points), neighbours, axis=1)[:, neighbours]
            for block in np.split(points, range(_BLOCK, len(points), _BLOCK))
        ]
    )


def _share_within(
    points: NDArray[np.float64], centres: NDArray[np.float64], radii: NDArray[np.float64]
) -> float:
    hits = [
        (_squared(block, centres) <= radii).any(axis=1)
        for block in np.split(points, range(_BLOCK, len(points), _BLOCK))
    ]
    return float(np.concatenate(hits).mean())


def _squared(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
    return np.asarray((squares - 2 * one @ other.T).clip(0))
