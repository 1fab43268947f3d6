"""How well scores tell an image's own caption from others."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Floats

# Shape letters: N pairs, D values of a vector.

Bools = npt.NDArray[np.bool_]


def auc(own: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The probability that an own caption scores higher than another's; 0.5 is chance.

    Args:
        own: scores of images with their own captions.
        other: scores of images with captions of others.

    Returns:
        In [0, 1], ties counted half: the area under the ROC curve. NaN where there are none.

    Source: Mann and Whitney 1947: the statistic U by the number of pairs.
    """
    high, low = np.asarray(own, np.float64), np.sort(np.asarray(other, np.float64))
    if not high.size or not low.size:
        return float("nan")
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.sum() / (2 * high.size * low.size))


def others(captions: Sequence[str]) -> npt.NDArray[np.int64]:
    """For each caption the number of the next other one, int64 `(N,)`; its own if all are equal.

    In the order of keys, which is random, the next one is one by chance.
    """
    count = len(captions)
    found = np.arange(count)
    for n, caption in enumerate(captions):
        ahead = ((n + step) % count for step in range(1, count))
        found[n] = next((m for m in ahead if captions[m] != caption), n)
    return found


def recall_at_1(images_ND: Floats, texts_ND: Floats, captions: Sequence[str]) -> float:
    """The share of images of which no other caption scores higher than their own.

    Args:
        images_ND: vectors of images.
        texts_ND: those of their captions.
        captions: of which equal ones count as one.

    Returns:
        In [0, 1]; chance is about 1 / N.
    """
    best_N = (images_ND @ texts_ND.T).argmax(axis=1)
    return float(
        np.mean([captions[best] == own for best, own in zip(best_N, captions, strict=True)])
    )
