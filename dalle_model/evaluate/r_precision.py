"""R-precision: how often an image's own caption is the best of a hundred, by a CLIP.

It says as much of the CLIP as of the images, and images that were chosen by the same CLIP are
flattered. AttnGAN's numbers, by its own DAMSM encoders, are comparable with none of these.
Functions of vectors, of which `dalle_model.clip.scorer.Embedder` makes some.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Shape letters: N images, C candidates of an image, D values of a vector.

CANDIDATES = 100  # Source: Xu et al. 2018 (AttnGAN), section 4: the true caption among 99 others

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class RPrecision:
    """The share of images whose own caption comes first.

    Args:
        share: 0..1; chance is 1 / candidates.
        standard_error: of that share, over images.
        images: how many there were.
        candidates: captions that each was compared with, its own among them.
    """

    share: float
    standard_error: float
    images: int
    candidates: int


def r_precision(
    images_ND: Floats,
    texts_ND: Floats,
    captions: Sequence[str],
    candidates: int = CANDIDATES,
    seed: int = 0,
) -> RPrecision:
    """Rank each image's own caption among drawn ones of others.

    Args:
        images_ND: vectors of length 1.
        texts_ND: vectors of length 1 of their captions.
        captions: the captions themselves: the others are drawn from them.
        candidates: captions that an image is compared with.
        seed: of the draw.

    Raises:
        ValueError: there are too few different captions.
    """
    drawn_NC = draw_candidates(captions, candidates, seed)
    return precision_of(candidate_scores(images_ND, texts_ND, drawn_NC))


def draw_candidates(captions: Sequence[str], candidates: int, seed: int) -> NDArray[np.int64]:
    """Numbers of captions for each image: its own first, then others, drawn without repetition.

    Equal captions are one, so that none is drawn against itself. What an image gets depends on the
    seed, its place and the captions.

    Returns:
        int64 `(N, C)`, numbers of `captions`.

    Raises:
        ValueError: there are too few different captions.
    """
    texts, first, number = np.unique(
        np.asarray(captions, object), return_index=True, return_inverse=True
    )
    if not 1 < candidates <= len(texts):
        raise ValueError(
            f"{len(texts)} different captions are not enough for {candidates} candidates an image"
        )
    rows = []
    for place, own in enumerate(number):
        draw = np.random.default_rng([seed, place])
        others = draw.choice(len(texts) - 1, candidates - 1, replace=False)
        rows.append([place, *first[others + (others >= own)]])  # its own text is left out
    return np.array(rows, np.int64)


def candidate_scores(
    images_ND: Floats, texts_ND: Floats, drawn_NC: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cosines of images and their candidates, float64 `(N, C)`."""
    texts64_ND = texts_ND.astype(np.float64)
    pairs = zip(drawn_NC, images_ND, strict=True)
    return np.array([texts64_ND[drawn_C] @ image_D for drawn_C, image_D in pairs])


def precision_of(scores_NC: NDArray[np.float64]) -> RPrecision:
    """R-precision of scores whose own caption is first; k equal best ones share a hit."""
    count, candidates = scores_NC.shape
    best_N = scores_NC.max(axis=1)
    is_best_N = scores_NC[:, 0] == best_N
    hits_N = is_best_N / (scores_NC == best_N[:, None]).sum(axis=1)
    error = float(hits_N.std() / np.sqrt(count))
    return RPrecision(float(hits_N.mean()), error, count, candidates)
