"""How much of an image survives its tokens."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

PEAK = 255.0


@dataclass(frozen=True)
class CodeUse:
    """How much of a codebook some tokens use.

    Args:
        used: codes that occur.
        num_codes: codes there are.
        perplexity: exp of the entropy of their frequencies, 1..`num_codes`.
    """

    used: int
    num_codes: int
    perplexity: float


def psnr(originals: Rgb, reconstructions: Rgb) -> float:
    """Peak signal-to-noise ratio over all bytes of all images, in dB; infinite where equal.

    Raises:
        ValueError: the shapes differ, or there is no image.
    """
    if originals.shape != reconstructions.shape or originals.size == 0:
        raise ValueError(f"cannot compare {originals.shape} with {reconstructions.shape}")
    difference = originals.astype(np.float64) - reconstructions.astype(np.float64)
    error = float(np.square(difference).mean())
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def code_use(tokens: npt.NDArray[np.integer], num_codes: int) -> CodeUse:
    """Count codes and their perplexity in the tokens of some images.

    Raises:
        ValueError: there is no token, or one is not below `num_codes`.
    """
    if tokens.size == 0 or int(tokens.max()) >= num_codes:
        raise ValueError(f"tokens must be some and below {num_codes}, got shape {tokens.shape}")
    counts = np.bincount(tokens.reshape(-1).astype(np.int64), minlength=num_codes)
    shares = counts[counts > 0] / tokens.size
    entropy = float(-(shares * np.log(shares)).sum())
    return CodeUse(int((counts > 0).sum()), num_codes, math.exp(entropy))
