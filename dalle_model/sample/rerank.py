"""Images of one caption in the order of how well a scorer says that they show it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dalle_model.clip.scorer import Scorer
from dalle_model.pixels import Rgb


@dataclass(frozen=True)
class Reranked:
    """Images by their scores.

    Args:
        order: int64 `(n,)`, their numbers, the best first; of equal scores the lower number.
        scores: float32 `(n,)`, in the order of the images.
    """

    order: NDArray[np.int64]
    scores: NDArray[np.float32]


def rerank(images: Sequence[Rgb], caption: str, scorer: Scorer) -> Reranked:
    """Order images by how well they show a caption, the best first.

    Source: Ramesh et al. 2021, section 2.6.
    """
    scores = scorer.score(images, [caption] * len(images))
    return Reranked(np.argsort(-scores, kind="stable"), scores)
