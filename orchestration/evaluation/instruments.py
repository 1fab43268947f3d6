"""What measures samples, loaded by name, and what makes vectors with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dalle_model.clip.registry import scorer_facts
from dalle_model.clip.scorer import Embedder
from dalle_model.evaluate.features import (
    Classifier,
    FeatureFunction,
    FeaturesError,
    load_features,
)
from orchestration.evaluation.measures import Floats
from orchestration.evaluation.vectors import Extractor
from pipelines.io.embedders import load_embedder

TEXTS = 256  # captions embedded at a time; chosen: as many as a small CLIP takes at once


@dataclass(frozen=True)
class Instruments:
    """What measures.

    Args:
        function: the feature function, whose facts decide what is comparable.
        features: vectors of it.
        classifier: what tells classes; None without one.
        classified: vectors from which it tells them.
        embedder: a CLIP; None without one.
        images: vectors of it.
        facts: of each of them, for `results.json`.
    """

    function: FeatureFunction
    features: Extractor
    classifier: Classifier | None
    classified: Extractor | None
    embedder: Embedder | None
    images: Extractor | None
    facts: Mapping[str, Any]


def load_instruments(features: str, classifier: str = "", scorer: str = "") -> Instruments:
    """Load what measures.

    Args:
        features: name of a feature function.
        classifier: name of one with classes; empty for `features` itself, where it has some.
        scorer: name of a CLIP; empty for none.

    Raises:
        FeaturesError: a feature function is unknown, cannot be used, or has no classes.
        ScorerError: likewise, of a scorer.
    """
    function = load_features(features)
    facts: dict[str, Any] = {"features": {"given": features, **asdict(function.facts)}}
    made = Extractor("features", asdict(function.facts), function.features)
    classified, images, embedder = None, None, None
    if (telling := _classifier(function, classifier)) is not None:
        own = asdict(telling.facts)
        facts["classifier"] = {"given": classifier or features, **own}
        is_same = telling is function
        classified = made if is_same else Extractor("classes", own, telling.features)
    if scorer:
        embedder = load_embedder(scorer)
        facts["scorer"] = {"given": scorer, **scorer_facts(scorer)}
        images = Extractor("clip", scorer_facts(scorer), embedder.embed_images)
    return Instruments(function, made, telling, classified, embedder, images, facts)


def embedded(embedder: Embedder, captions: Sequence[str]) -> Floats:
    """Vectors of captions, `(n, d)`; each different one is placed once."""
    texts = sorted(set(captions))
    starts = range(0, len(texts), TEXTS)
    parts = [embedder.embed_texts(texts[start : start + TEXTS]) for start in starts]
    vectors = np.concatenate(parts)
    row_of = {text: row for row, text in enumerate(texts)}
    return np.asarray(vectors[[row_of[caption] for caption in captions]])


def _classifier(function: FeatureFunction, name: str) -> Classifier | None:
    if not name:
        return function if isinstance(function, Classifier) else None
    found = load_features(name)
    if not isinstance(found, Classifier):
        raise FeaturesError(
            f"{name} tells no classes, as the Inception score needs; name an Inception, such as "
            "`inception-tf@FILE`"
        )
    return found
