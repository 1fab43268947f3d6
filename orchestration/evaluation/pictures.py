"""An image as both sides of a comparison are seen: decoded, cut to one size, blurred."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from dalle_model.pixels import Rgb
from dalle_model.resize import centred

# Source: Ramesh et al. 2021, section 2.1: images of 256x256 pixels, whose curves go over the blur.
PAPER_SIDE = 256


class BrokenImageError(ValueError):
    """The bytes of an image cannot be decoded; says why."""


@dataclass(frozen=True)
class Look:
    """How every image of a comparison is seen, on both sides.

    Args:
        side: pixels of an edge of the centred square that it becomes, up or down by Lanczos; 0
            leaves it as it is.
        radius: of Pillow's `GaussianBlur` on those pixels, which is its standard deviation; 0 for
            none. The paper names no implementation. Chosen: the one that most others use.
    """

    side: int = PAPER_SIDE
    radius: float = 0.0


def decoded(encoded: bytes) -> Rgb:
    """The pixels of an image file, uint8 `(height, width, 3)`.

    Neither its orientation tag nor a colour profile is applied, and transparency is left out, so
    that pixels are those that others measure. Source: pytorch-fid and clean-fid, `convert("RGB")`.

    Raises:
        BrokenImageError: it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # damaged bytes make decoders raise almost anything
        raise BrokenImageError(f"{type(error).__name__}: {error}"[:200]) from error


def looked_at(rgb: Rgb, look: Look) -> Rgb:
    """An image by a look, uint8 `(side, side, 3)`, or of its own size where `side` is 0."""
    image = Image.fromarray(centred(rgb) if look.side else rgb)
    if look.side and image.size != (look.side, look.side):
        image = image.resize((look.side, look.side), Image.Resampling.LANCZOS)
    if look.radius:
        image = image.filter(ImageFilter.GaussianBlur(look.radius))
    return np.asarray(image)
