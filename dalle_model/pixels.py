"""Images as arrays: cropping, storage as PNG, and the pixel map of the dVAE."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from dalle_model.config import LOGIT_LAPLACE_EPS

PNG_LEVEL = 3  # chosen: at 256 px 2.4 times as fast as level 6, and no larger (`make bench`)

Rgb = npt.NDArray[np.uint8]  # (..., height, width, 3), 0..255
Floats = npt.NDArray[np.float32]  # pixels in [0, 1], or mapped pixels
Codes = npt.NDArray[np.uint16]  # image tokens, (images, grid * grid) in raster order


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


def crop_box(width: int, height: int) -> tuple[int, int, int, int]:
    """The largest centred square as (left, top, right, bottom), in pixels."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def square(image: Image.Image, side: int) -> Rgb:
    """Crop the largest centred square and scale it down to `side`.

    Returns:
        uint8 `(side, side, 3)`: RGB, 0..255, row 0 on top.

    Raises:
        ValueError: an edge is shorter than `side`; images are never scaled up.

    Source: openai/DALL-E `notebooks/usage.ipynb`, `preprocess`: Lanczos, centre crop.
    """
    if min(image.size) < side:
        raise ValueError(f"image is {image.width}x{image.height} px, each edge needs {side} px")
    cropped = image.convert("RGB").crop(crop_box(*image.size))
    if cropped.width != side:
        cropped = cropped.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(cropped)


def to_png(rgb: Rgb) -> bytes:
    """Encode without loss or metadata; equal pixels give equal bytes with one build of Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def from_png(encoded: bytes) -> Image.Image:
    """Decode what `to_png` wrote, as RGB; for untrusted bytes use `pipelines.images`."""
    with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
        return image.convert("RGB")
