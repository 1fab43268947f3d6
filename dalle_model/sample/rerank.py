"""Images of one caption in the order of how well a scorer says that they show it.

The paper draws 512 images of a caption and keeps those that CLIP scores best. More may be given:
each image is scored by itself, so their number costs time alone. In the paper gains are small after
32 of them; `dalle_model.evaluate.best_of` has the curve.

Source: Ramesh et al. 2021, sections 2.6 and 3.1, figure 9c.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.clip.scorer import Embedder, Scorer, ScorerError
from dalle_model.pixels import Rgb

# Shape letters: N images, D values of a vector.


@dataclass(frozen=True, eq=False)
class Reranked:
    """Scores of images of one caption, and the order that they give.

    Args:
        order: int64 `(N,)`, numbers of images, the best first; of equal scores the lower number.
        scores: float32 `(N,)`, in the order of the images; of a CLIP cosines, in [-1, 1].
    """

    order: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]


def rerank(images: Sequence[Rgb], caption: str, scorer: Scorer) -> Reranked:
    """Order images by how well they show a caption.

    Args:
        images: uint8 `(height, width, 3)`, each of its own size.
        caption: what they should show; an `Embedder` reads it once for all of them.
        scorer: from `dalle_model.clip.registry.load_scorer`.

    Raises:
        ScorerError: it gives an image no number.
    """
    scores = _scores(images, caption, scorer)
    if (lost := np.flatnonzero(np.isnan(scores))).size:
        raise ScorerError(
            f"the scorer gives NaN to {lost.size} of {len(images)} images of {caption!r}, image "
            f"{lost[0]} the first: its weights are damaged, or it is not for such images; "
            "take another one"
        )
    return Reranked(np.argsort(-scores, kind="stable").astype(np.int64), scores)


def _scores(images: Sequence[Rgb], caption: str, scorer: Scorer) -> npt.NDArray[np.float32]:
    if not isinstance(scorer, Embedder):
        return np.asarray(scorer.score(images, [caption] * len(images)), np.float32)
    # Row by row as `score` does: a product of matrices would round by how many rows there are.
    products_ND = scorer.embed_images(images) * scorer.embed_texts([caption])
    return np.asarray(products_ND.sum(axis=-1).clip(-1, 1), np.float32)
