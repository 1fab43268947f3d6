"""The image vectors of a CLIP as features: CLIP-FID and CMMD are distances of such."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.clip.registry import load_scorer, scorer_facts
from dalle_model.clip.scorer import Embedder
from dalle_model.evaluate.features import FeatureFacts, FeaturesError
from dalle_model.pixels import Rgb


class ClipFeatures:
    """A `dalle_model.evaluate.features.FeatureFunction`.

    Args:
        scorer: name of a scorer that embeds, as of `load_scorer`.

    Raises:
        FeaturesError: it does not embed.
        ScorerError: it is unknown, missing or damaged.
    """

    def __init__(self, scorer: str) -> None:
        embedder = load_scorer(scorer)
        if not isinstance(embedder, Embedder):
            raise FeaturesError(
                f"the scorer {scorer!r} has no vectors of images; `clip:demo` and CLIPs have"
            )
        self._embedder = embedder
        facts = json.dumps(scorer_facts(scorer), sort_keys=True)
        self.facts = FeatureFacts(
            name="clip",
            convention="image vectors of length 1; the digest is of weights and library versions",
            sha256=files.sha256(facts.encode()),
            dim=int(embedder.embed_texts([""]).shape[1]),
            input_size=None,
            resize="as the scorer prepares its images",
        )

    def features(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Vectors of length 1, float32 `(n, dim)`."""
        return self._embedder.embed_images(images).reshape(-1, self.facts.dim)
