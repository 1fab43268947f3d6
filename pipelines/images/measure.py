"""What is taken from an image: its pixels at the size as stored, and a hash of all of them."""

from typing import NamedTuple

from dalle_model.pixels import Rgb
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.size import shrink
from pipelines.sameness.pixel_hash import pixel_hash


class Measured(NamedTuple):
    """An image as the stage goes on with it.

    Args:
        width: of the original, upright, in pixels.
        height: of the original, upright, in pixels.
        pixel_hash: of every pixel as decoded, 32 hex characters.
        stored: uint8 `(height, width, 3)` of `store_size`.
        full: the same from all pixels, where it was asked for and `stored` is not.
    """

    width: int
    height: int
    pixel_hash: str
    stored: Rgb
    full: Rgb | None = None


def measure(encoded: bytes, config: ImagesConfig, compares: bool = False) -> Measured:
    """Decode, hash and scale an image; see `decode` for where this may be called.

    Args:
        encoded: the file as served, untrusted.
        config: of the stage.
        compares: whether an image that is decoded at a scale is decoded in full as well.

    Raises:
        UnusableImageError: a rule is broken, or the bytes are not a complete image.
    """
    found = decode(encoded, config)
    full = None
    if compares and found.is_scaled:
        full = shrink(decode(encoded, config.model_copy(update={"decode": "full"})), config)
    digest = pixel_hash(found.rgb)
    return Measured(found.width, found.height, digest, shrink(found, config), full)
