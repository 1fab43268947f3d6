"""CLIPScore: how well captions describe images by a CLIP, alone and with captions of people.

Comparable with published numbers where the CLIP is OpenAI's ViT-B/32 and its texts begin with
`PREFIX`. Functions of vectors, of which `dalle_model.clip.scorer.Embedder` makes some.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Shape letters: N images, R references of an image, D values of a vector.

# Source: Hessel et al. 2021, section 3; jmhessel/clipscore `clipscore.py`
WEIGHT = 2.5
PREFIX = "A photo depicts "

Float64s = NDArray[np.float64]
Floats = NDArray[np.floating]


def clip_scores(images_ND: Floats, texts_ND: Floats) -> Float64s:
    """`2.5 max(cos, 0)` of each image and its caption; the score of a set is the mean.

    Args:
        images_ND: vectors of length 1.
        texts_ND: vectors of length 1 of their captions behind `PREFIX`.

    Returns:
        float64 `(N,)`, in [0, 2.5].
    """
    cosines_N = (images_ND.astype(np.float64) * texts_ND).sum(axis=1)
    return np.asarray(WEIGHT * np.maximum(cosines_N, 0))


def reference_clip_scores(
    scores_N: Float64s, texts_ND: Floats, references_RD: Sequence[Floats]
) -> Float64s:
    """RefCLIPScore: the harmonic mean of each CLIPScore and the cosine of the closest reference.

    Args:
        scores_N: of `clip_scores`.
        texts_ND: vectors of the captions that were scored.
        references_RD: of each image, vectors of captions of people, R >= 1; all behind `PREFIX`.

    Returns:
        float64 `(N,)`; 0 where one of the two is.

    Raises:
        ValueError: the numbers differ, or an image has no reference.
    """
    if not len(scores_N) == len(texts_ND) == len(references_RD) or not all(map(len, references_RD)):
        raise ValueError(
            f"{len(scores_N)} scores, {len(texts_ND)} captions and {len(references_RD)} lists of "
            f"references, of which {sum(not len(some) for some in references_RD)} are empty"
        )
    closest_N = [
        float((some.astype(np.float64) @ text).max())
        for text, some in zip(texts_ND, references_RD, strict=True)
    ]
    return _harmonic_mean(scores_N, np.maximum(closest_N, 0))


def _harmonic_mean(one: Float64s, other: Float64s) -> Float64s:
    """Of numbers >= 0, each pair; 0 where one is."""
    total = one + other
    return np.divide(2 * one * other, total, out=np.zeros_like(total), where=total > 0)
