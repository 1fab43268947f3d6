"""How well what is found agrees with the labels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Agreement(NamedTuple):
    """Shares, 0..1.

    Args:
        found: of the images that have the thing, those in which it was found.
        wrongly: of the others, those in which it was found too.
        accuracy: of all, those that were told rightly.
        chance: the accuracy of whoever always says the commoner answer.
        area: under the receiver's curve of the score: how often an image that has the thing scores
            above one that does not; 0.5 by chance.
    """

    found: float
    wrongly: float
    accuracy: float
    chance: float
    area: float


def agreement(
    scores: Sequence[float], answers: Sequence[bool], labels: Sequence[bool]
) -> Agreement:
    """Compare answers with labels.

    Args:
        scores: of each image; higher where the thing is likelier.
        answers: whether it was found.
        labels: whether it is there, of some images and not of others.
    """
    said, there = np.asarray(answers, bool), np.asarray(labels, bool)
    most = max(there.mean(), 1 - there.mean())
    return Agreement(
        float(said[there].mean()),
        float(said[~there].mean()),
        float((said == there).mean()),
        float(most),
        _area(np.asarray(scores, np.float64)[there], np.asarray(scores, np.float64)[~there]),
    )


def _area(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Mann and Whitney's statistic as a share; equal scores count half."""
    above = (positive[:, None] > negative).mean()
    equal = (positive[:, None] == negative).mean()
    return float(above + equal / 2)
