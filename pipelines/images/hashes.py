"""Two hashes of an image: one of its exact pixels, one of its appearance."""

from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3
from PIL import Image

from dalle_model.pixels import Rgb

# Source: JohannesBuchner/imagehash `imagehash/__init__.py`, `phash`: `hash_size` 8 and
# `highfreq_factor` 4.
HASH_EDGE = 8
GREY_EDGE = 32

# Integer cosines make every sum exact, so a coefficient close to the median falls on the same side
# of it on every processor. Float sums would depend on the order in which a BLAS adds.
_COSINE_SCALE = 1 << 20

# A frequency weaker than a quarter of a grey level is rounding noise. Chosen: a symmetric drawing
# has nothing else in half of its frequencies, and the sign of noise is random. A wave with an
# amplitude of one grey level sums to 256 over 32x32 points.
_NOISE = 64 * _COSINE_SCALE**2


def pixel_hash(rgb: Rgb) -> str:
    """A 128-bit hash of the width, the height and every pixel, as 32 hex characters."""
    height, width, _ = rgb.shape
    digest = blake3(width.to_bytes(4, "little") + height.to_bytes(4, "little"))
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest(length=16)


def describe(stored: Rgb) -> dict[str, Any]:
    """The columns of an image shard that tell what an image looks like, made of it as stored."""
    return {"phash": phash(stored)}


def phash(rgb: Rgb) -> int:
    """A 64-bit hash that resizing and recompression change in few bits.

    One bit for each of the 8x8 lowest frequencies in the DCT-II of the 32x32 grey image: whether it
    lies clearly above their median; first row first, highest bit first.

    Source: as `HASH_EDGE`; the integers and the margin for noise are ours.
    """
    grey = Image.fromarray(rgb).convert("L")
    small = grey.resize((GREY_EDGE, GREY_EDGE), Image.Resampling.LANCZOS)
    low = (_COSINES @ np.asarray(small, np.int64) @ _COSINES.T).ravel()
    median = np.partition(low, low.size // 2 - 1)[low.size // 2 - 1]
    return int.from_bytes(np.packbits(low > median + _NOISE).tobytes(), "big")


def _cosines() -> npt.NDArray[np.int64]:
    frequency, position = np.arange(HASH_EDGE)[:, None], np.arange(GREY_EDGE)[None, :]
    exact = np.cos(np.pi * frequency * (2 * position + 1) / (2 * GREY_EDGE))
    return np.asarray(np.round(exact * _COSINE_SCALE), np.int64)


_COSINES = _cosines()
