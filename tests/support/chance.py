"""How improbable what was counted is, without a table of distributions."""

import math

import numpy as np
import numpy.typing as npt


def deviation(counts: npt.ArrayLike, expected: npt.ArrayLike | None = None) -> float:
    """By how many standard deviations a chi-square is above its mean.

    Args:
        counts: of each kind.
        expected: of each kind; equal numbers where none are given.

    Source: Wilson, Hilferty 1931: the cube root of a chi-square is nearly normal.
    """
    found = np.asarray(counts, np.float64)
    wanted = np.full_like(found, found.mean()) if expected is None else np.asarray(expected)
    freedom = found.size - 1
    statistic = float(((found - wanted) ** 2 / wanted).sum())
    spread = 2 / (9 * freedom)
    return ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
