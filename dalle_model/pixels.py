"""Images as arrays: cropping, storage, and the pixel map of the dVAE."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from dalle_model import png
from dalle_model.config import LOGIT_LAPLACE_EPS

Rgb = npt.NDArray[np.uint8]  # (..., height, width, 3), 0..255
Floats = npt.NDArray[np.float32]  # pixels in [0, 1], or mapped pixels
# Image tokens, (images, positions) in the codec's order; of several codebooks, (.., codebooks).
Codes = npt.NDArray[np.unsignedinteger[Any]]


def map_pixels(pixels: Floats) -> Floats:
    """From [0, 1] into [eps, 1 - eps], where the logit is finite.

    Source: Ramesh et al. 2021, equation 3; openai/DALL-E `dall_e/utils.py`.
    """
    scale, shift = np.float32(1 - 2 * LOGIT_LAPLACE_EPS), np.float32(LOGIT_LAPLACE_EPS)
    return np.asarray(scale * pixels + shift, np.float32)


def unmap_pixels(pixels: Floats) -> Floats:
    """Back from [eps, 1 - eps] into [0, 1], clipped. Source: as `map_pixels`."""
    unmapped = (pixels - LOGIT_LAPLACE_EPS) / (1 - 2 * LOGIT_LAPLACE_EPS)
    return np.asarray(np.clip(unmapped, 0, 1), np.float32)


def crop_box(
    width: int, height: int, aspect: tuple[int, int] = (1, 1)
) -> tuple[int, int, int, int]:
    """The largest centred rectangle of an aspect as (left, top, right, bottom), in pixels.

    Args:
        width: of the image.
        height: of the image.
        aspect: height and width whose ratio the rectangle has, to the nearest pixel below.
    """
    down, across = aspect
    w, h = min(width, height * across // down), min(height, width * down // across)
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def to_png(rgb: Rgb) -> bytes:
    """Encode without loss or metadata, as `dalle_model.png.encode`."""
    return png.encode(rgb)


def from_stored(encoded: bytes) -> Rgb:
    """Decode an image as the images stage stores it, a PNG or a JPEG.

    For a stranger's bytes use `pipelines.images`.

    Returns:
        uint8 `(height, width, 3)`: RGB, 0..255, row 0 on top.

    Raises:
        Exception: `OSError`, `SyntaxError` or `ValueError`, where the file is damaged.
    """
    own = png.decode(encoded)
    if own is not None:
        return own
    with Image.open(io.BytesIO(encoded), formats=["PNG", "JPEG"]) as image:
        return np.asarray(image.convert("RGB"))
