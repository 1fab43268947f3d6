"""The Frechet distance of two Gaussians: FID, where the features are those of Inception."""

import numpy as np
from numpy.typing import NDArray

from dalle_model.evaluate.features import require_same
from dalle_model.evaluate.moments import Moments

Float64s = NDArray[np.float64]


def frechet_distance(one: Moments, other: Moments) -> float:
    """The squared distance of the means, and how far the covariances are from each other.

    `|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)`. It is 0 for equal moments, and depends on
    the number of images: the fewer, the larger. Compare sets of one size.

    Raises:
        FeaturesError: they are of two feature functions.

    Source: Dowson and Landau 1982; Heusel et al. 2017, equation 6.
    """
    require_same(one.facts, other.facts)
    step = one.mean - other.mean
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return float(step @ step + traces - 2 * trace_of_root(one.covariance, other.covariance))


def trace_of_root(one: Float64s, other: Float64s) -> float:
    """`tr (S1 S2)^(1/2)` of two covariances, which may lack full rank.

    `S1 S2` has the eigenvalues of `R S2 R`, where R is the root of S1. That is symmetric, so that
    neither complex numbers nor a root of a singular matrix come up, for which others add a small
    diagonal.
    """
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return float(np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(0)).sum())
