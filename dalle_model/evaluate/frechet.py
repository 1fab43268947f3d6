"""The Frechet distance of two Gaussians: FID, where the features are those of Inception."""

import numpy as np
from numpy.typing import NDArray

from dalle_model.evaluate.features import require_same
from dalle_model.evaluate.moments import Moments

# Shape letters: D values of a vector, R rank of a covariance.

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


def trace_of_root(one_DD: Float64s, other_DD: Float64s) -> float:
    """`tr (S1 S2)^(1/2)` of two covariances, which may lack full rank.

    With `S = A A^T` it is the sum of the singular values of `A1^T A2`: the same eigenvalues without
    the root of a product that may be singular, for which other programs add to its diagonal.
    """
    product_RR = _factor(one_DD).T @ _factor(other_DD)
    return float(np.linalg.svd(product_RR, compute_uv=False).sum()) if product_RR.size else 0.0


def _factor(covariance_DD: Float64s) -> Float64s:
    """A of `S = A A^T`, `(D, R)`, without directions in which there is rounding alone."""
    values_D, vectors_DD = np.linalg.eigh(covariance_DD)
    rounding = np.abs(values_D).max() * len(values_D) * np.finfo(np.float64).eps  # numpy's, of rank
    is_kept = values_D > rounding
    return np.asarray(vectors_DD[:, is_kept] * np.sqrt(values_D[is_kept]))
