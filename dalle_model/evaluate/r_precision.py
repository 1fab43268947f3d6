"""R-precision: how often an image's own caption is the best of a hundred, by a scorer.

With a CLIP it says as much of the CLIP as of the images; a sampler that was chosen by the same CLIP
is flattered. AttnGAN's numbers, by its own DAMSM encoders, are comparable with none of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dalle_model.clip.scorer import Embedder, Scorer
from dalle_model.pixels import Rgb

# Shape letters: N images, C candidates of an image.

CANDIDATES = 100  # Source: Xu et al. 2018 (AttnGAN), section 4: the true caption among 99 others


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
    scorer: Scorer,
    images: Sequence[Rgb],
    captions: Sequence[str],
    candidates: int = CANDIDATES,
    seed: int = 0,
) -> RPrecision:
    """Rank each image's own caption among drawn ones of others.

    Args:
        scorer: of images and captions; one that embeds places each image and caption once.
        images: uint8 `(height, width, 3)`.
        captions: one of each image; the others are drawn from them.
        candidates: captions that an image is compared with.
        seed: of the draw.

    Raises:
        ValueError: there are no images, or too few different captions.
    """
    drawn_NC = draw_candidates(captions, candidates, seed)
    return precision_of(candidate_scores(scorer, images, captions, drawn_NC))


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
    scorer: Scorer, images: Sequence[Rgb], captions: Sequence[str], drawn_NC: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scores of images with their candidates, float64 `(N, C)`."""
    if isinstance(scorer, Embedder):
        texts = scorer.embed_texts(captions).astype(np.float64)
        vectors = scorer.embed_images(images).astype(np.float64)
        return np.array(
            [texts[drawn] @ vector for drawn, vector in zip(drawn_NC, vectors, strict=True)]
        )
    return np.array(
        [
            scorer.score([image] * len(drawn), [captions[number] for number in drawn])
            for drawn, image in zip(drawn_NC, images, strict=True)
        ],
        np.float64,
    )


def precision_of(scores_NC: NDArray[np.float64]) -> RPrecision:
    """R-precision of scores whose own caption is first; k equal best ones share a hit."""
    count, candidates = scores_NC.shape
    best_N = scores_NC.max(axis=1)
    is_best_N = scores_NC[:, 0] == best_N
    hits_N = is_best_N / (scores_NC == best_N[:, None]).sum(axis=1)
    error = float(hits_N.std() / np.sqrt(count))
    return RPrecision(float(hits_N.mean()), error, count, candidates)
