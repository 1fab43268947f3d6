"""CLIPScore: how well captions describe images by a CLIP, alone and with captions of people.

Comparable with published numbers where the CLIP is OpenAI's ViT-B/32. The text has the prefix of
the paper; a caption beyond the CLIP's context is cut off.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dalle_model.clip.scorer import Embedder, Scorer
from dalle_model.pixels import Rgb

# Source: Hessel et al. 2021, section 3; jmhessel/clipscore `clipscore.py`
WEIGHT = 2.5
PREFIX = "A photo depicts "


def clip_scores(
    scorer: Scorer, images: Sequence[Rgb], captions: Sequence[str], prefix: str = PREFIX
) -> NDArray[np.float64]:
    """`2.5 max(cos, 0)` of each image and its caption.

    Args:
        scorer: a CLIP; the score of a set is the mean.
        images: uint8 `(height, width, 3)`.
        captions: one of each image.
        prefix: before each caption.

    Returns:
        float64 `(n,)`, in [0, 2.5].
    """
    cosines = scorer.score(images, [prefix + caption for caption in captions])
    return WEIGHT * np.maximum(cosines.astype(np.float64), 0)


def reference_clip_scores(
    scores: NDArray[np.float64],
    embedder: Embedder,
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    prefix: str = PREFIX,
) -> NDArray[np.float64]:
    """RefCLIPScore: the harmonic mean of each CLIPScore and the closest reference's cosine.

    Args:
        scores: of `clip_scores`, `(n,)`.
        embedder: the same CLIP.
        captions: those that were scored.
        references: captions of people for each image, at least one.
        prefix: before all of them.

    Returns:
        float64 `(n,)`; 0 where one of the two is.

    Raises:
        ValueError: the numbers differ, or an image has no reference.
    """
    if not len(scores) == len(captions) == len(references) or not all(references):
        raise ValueError(
            f"{len(scores)} scores, {len(captions)} captions, {len(references)} lists of "
            f"references, of which {sum(not some for some in references)} are empty"
        )
    texts = sorted({prefix + text for some in [captions, *references] for text in some})
    row_of = {text: row for row, text in enumerate(texts)}
    vectors = embedder.embed_texts(texts).astype(np.float64)
    closest = np.array(
        [
            max(vectors[row_of[prefix + text]] @ vectors[row_of[prefix + caption]] for text in some)
            for caption, some in zip(captions, references, strict=True)
        ]
    )
    return harmonic_mean(scores, np.maximum(closest, 0))


def harmonic_mean(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of numbers >= 0, each pair; 0 where both are."""
    total = one + other
    return np.divide(2 * one * other, total, out=np.zeros_like(total), where=total > 0)
