"""Features made by hand, for a try without weights: where which colours and edges are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dalle_model.evaluate.features import FeatureFacts
from dalle_model.pixels import Rgb
from dalle_model.resize import resize

# Shape letters: G cells of an edge, P pixels of an edge of a cell.

_SIDE, _CELLS = (
    64,
    4,
)  # chosen: 64 values, so that some hundred images give a covariance of full rank
_FACTS = FeatureFacts(
    name="pixels",
    convention="mean colours and mean steps between neighbours of 4x4 cells; not comparable",
    sha256="",
    dim=4 * _CELLS**2,
    input_size=(_SIDE, _SIDE),
    resize="area",
)


class PixelFeatures:
    """A `dalle_model.evaluate.features.FeatureFunction`; no published number compares with its."""

    facts = _FACTS

    def features(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Mean colours, 0..1, and mean steps of grey of each cell, float32 `(n, 64)`."""
        return np.array([_of(image) for image in images], np.float32).reshape(-1, self.facts.dim)


def _of(image: Rgb) -> NDArray[np.float64]:
    pixels = resize(image, _SIDE, _SIDE, "area") / 255.0
    grey = pixels.mean(axis=-1)
    steps = np.abs(np.diff(grey, axis=0, prepend=grey[:1]))
    steps = steps + np.abs(np.diff(grey, axis=1, prepend=grey[:, :1]))
    values = np.concatenate([pixels, steps[..., None]], axis=-1)
    cells_GPGP4 = values.reshape(_CELLS, _SIDE // _CELLS, _CELLS, _SIDE // _CELLS, 4)
    return np.asarray(cells_GPGP4.mean(axis=(1, 3)).reshape(-1))
