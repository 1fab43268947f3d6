"""A hash of every pixel, by which equal images are found."""

import numpy as np
from blake3 import blake3

from dalle_model.pixels import Rgb


def pixel_hash(rgb: Rgb) -> str:
    """A 128-bit hash of the width, the height and every pixel, as 32 hex characters."""
    height, width, _ = rgb.shape
    digest = blake3(width.to_bytes(4, "little") + height.to_bytes(4, "little"))
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest(length=16)
