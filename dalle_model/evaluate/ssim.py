"""SSIM: how much of the structure of images others keep, without any network."""

import numpy as np
from numpy.typing import NDArray

from dalle_model.pixels import Rgb

# Shape letters: N images, H and W height and width, C channels.

# Source: Wang et al. 2004, section III-C: an 11x11 Gaussian of deviation 1.5, K1 and K2
_RADIUS, _SIGMA = 5, 1.5
_PEAK = 255.0
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2

Float64s = NDArray[np.float64]


def ssim(originals: Rgb, others: Rgb) -> Float64s:
    """The structural similarity of each image and the other one, the mean of its three channels.

    Windows lie within the image. As scikit-image's with `gaussian_weights`, `sigma=1.5`,
    `use_sample_covariance=False`.

    Args:
        originals: uint8 `(N, H, W, 3)`, edges of at least 11 pixels.
        others: the same shape.

    Returns:
        float64 `(N,)` in [-1, 1]; 1 for equal images.

    Raises:
        ValueError: the shapes differ, or an edge is shorter.
    """
    if originals.shape != others.shape:
        raise ValueError(f"cannot compare {originals.shape} with {others.shape}")
    if min(originals.shape[1:3]) <= 2 * _RADIUS:
        raise ValueError(f"SSIM needs edges of {2 * _RADIUS + 1} px; images are {originals.shape}")
    return np.array([_of(one, other) for one, other in zip(originals, others, strict=True)])


def _of(one: Rgb, other: Rgb) -> float:
    x, y = one.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = _blurred(x), _blurred(y)
    variances = _blurred(x * x) - mean_x**2 + _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return float((luminance * (2 * covariance + _C2) / (variances + _C2)).mean())


def _blurred(values_HWC: Float64s) -> Float64s:
    """Weighted means of all windows, `(H - 10, W - 10, C)`."""
    steps = np.arange(-_RADIUS, _RADIUS + 1)
    weights = np.exp(-(steps**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(values_HWC, len(weights), axis)
        values_HWC = windows @ weights
    return values_HWC
