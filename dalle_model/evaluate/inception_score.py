"""The Inception score: how sure a classifier is of each image, and how many classes there are."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Shape letters: N images, K classes.


def softmax(logits_NK: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probabilities of classes, in float64."""
    shifted = logits_NK.astype(np.float64) - logits_NK.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def inception_score(
    probabilities_NK: NDArray[np.floating], splits: int = 10, seed: int | None = None
) -> tuple[float, float]:
    """The exponential of the mean divergence of an image's classes from those of its split.

    Args:
        probabilities_NK: of the classes of each image, such as `softmax` gives.
        splits: parts that are scored alone. 10 in the papers; of fewer images the score is less.
        seed: of the order in which images are dealt to the splits; None leaves them as they are,
            and the score depends on that order, as in the papers.

    Returns:
        Mean and standard deviation (of the population) over the splits, each score in 1..K.

    Raises:
        ValueError: there are fewer images than splits.

    Source: Salimans et al. 2016, section 4; openai/improved-gan `inception_score/model.py`.
    """
    count = len(probabilities_NK)
    if not 0 < splits <= count:
        raise ValueError(f"{count} images cannot be scored in {splits} splits")
    order = np.arange(count) if seed is None else np.random.default_rng(seed).permutation(count)
    bounds = [part * count // splits for part in range(splits + 1)]
    scores = [
        _score(probabilities_NK[order[start:end]].astype(np.float64))
        for start, end in pairwise(bounds)
    ]
    return float(np.mean(scores)), float(np.std(scores))


def _score(probabilities_NK: NDArray[np.float64]) -> float:
    marginal_K = probabilities_NK.mean(axis=0)
    ratios = np.divide(
        probabilities_NK, marginal_K, out=np.ones_like(probabilities_NK), where=probabilities_NK > 0
    )
    return float(np.exp((probabilities_NK * np.log(ratios)).sum(axis=1).mean()))
