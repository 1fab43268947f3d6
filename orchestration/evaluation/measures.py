"""What is measured of a set of samples, from vectors alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dalle_model.evaluate.clip_score import clip_scores
from dalle_model.evaluate.features import FeatureFacts
from dalle_model.evaluate.frechet import frechet_distance
from dalle_model.evaluate.inception_score import inception_score, softmax
from dalle_model.evaluate.kernel_distance import kernel_distance
from dalle_model.evaluate.moments import Moments, moments_of
from dalle_model.evaluate.precision_recall import NEIGHBOURS, precision_recall
from dalle_model.evaluate.r_precision import CANDIDATES, r_precision

Measure = Literal[
    "frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "inception_score",
    "clip_score",
    "r_precision",
]
Part = Literal["all", "without_overlaps"]
SPLITS = 10  # of the Inception score. Source: Salimans et al. 2016, section 4; DM-GAN's code

Floats = NDArray[np.float32]


class Value(NamedTuple):
    """One measured value.

    Args:
        measure: what it is.
        value: of it.
        spread: over subsets, splits or images, as the measure says; None where it has none.
    """

    measure: Measure
    value: float
    spread: float | None = None


@dataclass(frozen=True)
class Figure:
    """One value of one set of samples, as `results.json` holds it.

    Args:
        samples: name of the set.
        measure: what was measured.
        value: of it.
        spread: of the Inception score and the kernel distance the standard deviation over splits
            or subsets, of the CLIPScore and the R-precision the standard error.
        blur: radius on both sides, in pixels.
        best_of: images of a caption from which a scorer has chosen one; 0 where all are judged.
        part: whether overlaps with the training images were removed.
        images: samples that were judged.
        reference_images: that they were compared with; None where none were, or it is unknown.
    """

    samples: str
    measure: Measure
    value: float
    spread: float | None
    blur: float
    best_of: int
    part: Part
    images: int
    reference_images: int | None = None


@dataclass(frozen=True)
class Reference:
    """What the features of samples are compared with.

    Args:
        moments: of its features.
        features: `(n, d)`; None where only the moments are known.
    """

    moments: Moments
    features: Floats | None

    @classmethod
    def of(cls, features: Floats, facts: FeatureFacts) -> "Reference":
        """The reference whose features are known."""
        return cls(moments_of([features], facts), features)


def distances(features: Floats, reference: Reference) -> Iterator[Value]:
    """How far the features of samples are from those of the reference."""
    own = moments_of([features], reference.moments.facts)
    yield Value("frechet_distance", frechet_distance(own, reference.moments))
    if reference.features is not None:
        yield Value("kernel_distance", *kernel_distance(features, reference.features))


def coverage(features: Floats, reference: Reference) -> Iterator[Value]:
    """Precision and recall; none where a side is no larger than the neighbours that they need."""
    theirs = reference.features
    if theirs is not None and min(len(features), len(theirs)) > NEIGHBOURS:
        precision, recall = precision_recall(theirs, features)
        yield from (Value("precision", precision), Value("recall", recall))


def sureness(logits: Floats) -> Iterator[Value]:
    """The Inception score of logits of classes; none of fewer images than splits."""
    if len(logits) >= SPLITS:
        yield Value("inception_score", *inception_score(softmax(logits), SPLITS))


def agreement(
    images: Floats, prefixed: Floats, captions: Floats, texts: Sequence[str]
) -> Iterator[Value]:
    """CLIPScore and R-precision of images and their captions.

    Args:
        images: vectors `(n, d)`, of length 1.
        prefixed: vectors of the captions behind the prefix of the CLIPScore.
        captions: vectors of the captions alone.
        texts: the captions themselves.
    """
    scores = clip_scores(images, prefixed)
    error = float(scores.std() / np.sqrt(len(scores)))
    yield Value("clip_score", float(scores.mean()), error)
    candidates = min(CANDIDATES, len(set(texts)))
    if candidates > 1:
        found = r_precision(images, captions, texts, candidates)
        yield Value("r_precision", found.share, found.standard_error)


def cosines(images: Floats, captions: Floats) -> NDArray[np.float64]:
    """Of each image and its caption, `(n,)`."""
    return np.asarray((images.astype(np.float64) * captions).sum(axis=1))
