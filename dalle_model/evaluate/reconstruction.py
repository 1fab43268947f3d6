"""How much of an image its tokens preserve, and how many of the codes they use."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

PEAK = 255.0


@dataclass(frozen=True)
class CodeUse:
    """Which part of a codebook is in use.

    Args:
        used: number of codes that occur.
        num_codes: size of the codebook.
        perplexity: exp of the entropy of their frequencies, 1..`num_codes`.
    """

    used: int
    num_codes: int
    perplexity: float


def psnr(originals: Rgb, reconstructions: Rgb) -> float:
    """Peak signal-to-noise ratio over all bytes of all images, in dB; infinite if they are equal.

    Raises:
        ValueError: the shapes differ, or there are no images.
    """
    if originals.shape != reconstructions.shape or originals.size == 0:
        raise ValueError(f"cannot compare {originals.shape} with {reconstructions.shape}")
    difference = originals.astype(np.float64) - reconstructions.astype(np.float64)
    error = float(np.square(difference).mean())
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def code_use(tokens: npt.NDArray[np.integer], num_codes: int) -> CodeUse:
    """Count the codes that occur in tokens, and the perplexity of their frequencies.

    Raises:
        ValueError: there are no tokens, or one is not below `num_codes`.
    """
    if tokens.size == 0 or int(tokens.max()) >= num_codes:
        raise ValueError(f"tokens {tokens.shape} must not be empty and all be below {num_codes}")
    counts = np.bincount(tokens.reshape(-1).astype(np.int64), minlength=num_codes)
    shares = counts[counts > 0] / tokens.size
    entropy = float(-(shares * np.log(shares)).sum())
    return CodeUse(int((counts > 0).sum()), num_codes, math.exp(entropy))
