"""What it gains to draw several images of a caption and keep the one that a judge likes best.

Of N images that were drawn, every set of k is as likely as any other to be the k that are drawn, so
what the best of k is worth is a weighted mean over the N, in closed form. Every image counts, and
no order in which they happened to be drawn.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Shape letters: M captions, N images of each, K numbers to choose from.


def expected_best(
    scores_MN: npt.ArrayLike, values_MN: npt.ArrayLike, sizes: Sequence[int]
) -> npt.NDArray[np.float64]:
    """What the best of k images is worth on average over all sets of k.

    Args:
        scores_MN: of the judge, who takes the image of the highest; of equal ones the first.
        values_MN: what each image is worth, by the judge's own scores or by any other measure.
        sizes: numbers k of images to choose from, each in 1..N.

    Returns:
        float64 `(K, M)`, of each caption; the mean over captions is a point of the curve, and 1 is
        where nothing is chosen.

    Raises:
        ValueError: shapes differ, or a number is out of range.
    """
    scores, values = np.asarray(scores_MN, np.float64), np.asarray(values_MN, np.float64)
    if scores.ndim != 2 or scores.shape != values.shape:
        raise ValueError(f"scores {scores.shape} and values {values.shape} are no one table")
    ranked_MN = np.take_along_axis(values, np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return np.stack([ranked_MN @ chosen_shares(scores.shape[1], k) for k in sizes])


def gains(scores_MN: npt.ArrayLike, are_right_MN: npt.ArrayLike) -> dict[str, float]:
    """What choosing from 1, 2, 4 .. N images gives, as a mean over captions and sets of images.

    Args:
        scores_MN: of the judge who chooses.
        are_right_MN: whether an image is right, by another judge.

    Returns:
        `rate_best_of_K`, the share of chosen images that are right; `score_best_of_K`, their score;
        and `any_best_of_K`, the share of captions of whose K images any is right, which no choice
        could pass.
    """
    scores, right = np.asarray(scores_MN, np.float64), np.asarray(are_right_MN, np.float64)
    sizes = doublings(scores.shape[1])
    curves = {"rate": (scores, right), "score": (scores, scores), "any": (right, right)}
    return {
        f"{name}_best_of_{size}": float(of_captions.mean())
        for name, (judged, values) in curves.items()
        for size, of_captions in zip(sizes, expected_best(judged, values, sizes), strict=True)
    }


def chosen_shares(images: int, k: int) -> npt.NDArray[np.float64]:
    """How often the image of each rank is the best of k, float64 `(images,)`, the best rank first.

    It is so where the k - 1 others are of the ranks behind it: C(images - rank, k - 1) of all
    C(images, k) sets, with ranks from 1.

    Source: David and Nagaraja 2003, "Order statistics", section 2.1, of samples without
    replacement; Chen et al. 2021, "Evaluating large language models trained on code", equation 1,
    is the case of values that are the scores, 0 or 1.

    Raises:
        ValueError: k is not in 1..images.
    """
    if not 1 <= k <= images:
        raise ValueError(f"the best of {k} cannot be chosen from {images} images")
    sets = math.comb(images, k)
    return np.array([math.comb(images - rank, k - 1) / sets for rank in range(1, images + 1)])


def doublings(most: int) -> list[int]:
    """1, 2, 4 and so on, below `most`, and `most` itself, which is 1 or more."""
    return [2**power for power in range((most - 1).bit_length())] + [most]
