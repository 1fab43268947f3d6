"""What says how well a caption describes an image, whoever has made it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb


class ScorerError(UsageError):
    """A scorer cannot be found or used: which one, why, and what is taken."""


class Scorer(Protocol):
    """Says how well captions describe images."""

    def score(self, images: Sequence[Rgb], captions: Sequence[str]) -> NDArray[np.float32]:
        """A score of each image and its caption, the higher the better.

        It depends on the two alone, and not on what else is given in the same call.

        Args:
            images: uint8 `(height, width, 3)`, each of its own size.
            captions: one of each image.

        Returns:
            float32 `(n,)`; of a CLIP in [-1, 1].
        """


@runtime_checkable
class Embedder(Protocol):
    """Places images and texts in one space; their scores are products there."""

    def embed_images(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Vectors of images, float32 `(n, d)`, of length 1; each depends on its image alone."""

    def embed_texts(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, float32 `(n, d)`, of length 1; each depends on its text alone."""
