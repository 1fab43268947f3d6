"""Generated images in which a patch says much of those around it."""

import numpy as np

from dalle_model.pixels import Rgb


def edges(count: int, seed: int = 0) -> Rgb:
    """Images of one dark half-plane each, uint8 `(count, 32, 32, 3)`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    angle, offset = rng.uniform(0, 2 * np.pi, count), rng.uniform(-0.4, 0.4, count)
    side = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y
    shade = 255 / (1 + np.exp(-20 * (side - offset[:, None, None])))
    return np.repeat(shade.round().astype(np.uint8)[..., None], 3, axis=3)
