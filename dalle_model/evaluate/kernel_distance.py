"""The kernel distance of two sets of features: KID, where they are those of Inception."""

import numpy as np
from numpy.typing import NDArray

# Shape letters: N and M images, D values of a vector.

Floats = NDArray[np.floating]
_DEGREE = 3


def kernel_distance(
    one_ND: Floats, other_MD: Floats, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The squared maximum mean discrepancy of a cubic kernel, estimated without bias.

    That of equal distributions is 0 on average, whatever the number of images, and so below 0 about
    half the time. Which rows are drawn depends on their order.

    Args:
        one_ND: features of images.
        other_MD: of others, by the same feature function: `require_same` tells.
        subsets: how often rows are drawn.
        size: rows of each set in a draw; all of the smaller set, where it has fewer, as clean-fid.
        seed: of the draws.

    Returns:
        Mean and standard deviation (of the population) over the draws.

    Raises:
        ValueError: a set has fewer than two images.

    Source: Binkowski et al. 2018, section 4; 100 subsets of 1,000: clean-fid and torch-fidelity.
    """
    size = min(size, len(one_ND), len(other_MD))
    if size < 2:
        raise ValueError(f"{size} images have no kernel distance; at least 2 are needed")
    draw = np.random.default_rng(seed)
    found = [
        discrepancy(
            one_ND[draw.choice(len(one_ND), size, replace=False)],
            other_MD[draw.choice(len(other_MD), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return float(np.mean(found)), float(np.std(found))


def discrepancy(one_ND: Floats, other_MD: Floats) -> float:
    """The unbiased estimate from all rows; no image is compared with itself."""
    one, other = one_ND.astype(np.float64), other_MD.astype(np.float64)
    return _within(one) + _within(other) - 2 * float(_kernel(one, other).mean())


def _within(features_ND: NDArray[np.float64]) -> float:
    kernel_NN, count = _kernel(features_ND, features_ND), len(features_ND)
    return float((kernel_NN.sum() - np.trace(kernel_NN)) / (count * (count - 1)))


def _kernel(one_ND: NDArray[np.float64], other_MD: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((one_ND @ other_MD.T / one_ND.shape[1] + 1) ** _DEGREE)
