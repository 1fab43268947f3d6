"""The size at which an image is stored."""

from dalle_model.pixels import Rgb
from dalle_model.resize import centred, resize
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import Decoded


def shrink(image: Decoded, config: ImagesConfig) -> Rgb:
    """Crop and scale an image to its `store_size`."""
    rgb = centred(image.rgb) if config.crop == "center" else image.rgb
    width, height = store_size(image.width, image.height, config)
    return rgb if rgb.shape[:2] == (height, width) else resize(rgb, width, height, config.resample)


def store_size(width: int, height: int, config: ImagesConfig) -> tuple[int, int]:
    """Width and height of an image as stored: its shorter edge is scaled down to `side`, never up.

    Args:
        width: of the original, in pixels.
        height: of the original, in pixels.
        config: of the stage.
    """
    short = min(width, height)
    if config.crop == "center":
        width = height = short
    side = config.stored_side
    if short <= side:
        return width, height
    return round(width * side / short), round(height * side / short)
