"""How much of an image its tokens preserve, and how many of the codes they use."""

import math
from collections.abc import Iterable
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
    return psnr_of_error(*squared_error([(originals, reconstructions)]))


def squared_error(parts: Iterable[tuple[Rgb, Rgb]]) -> tuple[float, float]:
    """Sum of squared differences of bytes, and their number; one part is held at a time.

    Raises:
        ValueError: the shapes differ.
    """
    error = size = 0.0
    for originals, reconstructions in parts:
        if originals.shape != reconstructions.shape:
            raise ValueError(f"cannot compare {originals.shape} with {reconstructions.shape}")
        difference = originals.astype(np.float64) - reconstructions
        error, size = error + float(np.square(difference).sum()), size + originals.size
    return error, size


def psnr_of_error(error: float, size: float) -> float:
    """The PSNR of a `squared_error`; raises ValueError where there are no images."""
    if not size:
        raise ValueError("there are no images to compare")
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 * size / error)


def code_use(tokens: npt.NDArray[np.integer], num_codes: int) -> CodeUse:
    """Count the codes that occur in tokens, and the perplexity of their frequencies.

    Raises:
        ValueError: there are no tokens, or one is not below `num_codes`.
    """
    return code_use_of_counts(code_counts([tokens], num_codes))


def code_counts(parts: Iterable[npt.NDArray[np.integer]], num_codes: int) -> npt.NDArray[np.int64]:
    """How often each code occurs in tokens that come in parts, `(num_codes,)`.

    Raises:
        ValueError: a token is not below `num_codes`.
    """
    counts = np.zeros(num_codes, np.int64)
    for tokens in parts:
        if tokens.size and int(tokens.max()) >= num_codes:
            raise ValueError(f"code {tokens.max()} must be below {num_codes}")
        counts += np.bincount(tokens.reshape(-1).astype(np.int64), minlength=num_codes)
    return counts


def code_use_of_counts(counts: npt.NDArray[np.int64]) -> CodeUse:
    """Which codes are in use where each occurs so often; raises ValueError where none does."""
    if not counts.any():
        raise ValueError("there are no tokens, whose codes could be counted")
    shares = counts[counts > 0] / counts.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    return CodeUse(int((counts > 0).sum()), len(counts), math.exp(entropy))
