"""Images that a person names on a command line: a file or a URL, decoded as those of a run are."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dalle_model import files
from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb
from pipelines.io.colours import upright_rgb
from pipelines.io.looks import FORMATS


class PictureError(UsageError):
    """An image that was named cannot be used: which, why, and what can be."""


def read_picture(url: str) -> Rgb:
    """An image, upright, in sRGB, on white, uint8 `(height, width, 3)`.

    Args:
        url: of a file of the person's own: it is decoded in this process.

    Raises:
        PictureError: there is no such file, or it is no image of a known format.
    """
    try:
        encoded = files.read_bytes(url)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise PictureError(f"there is no image at {url}; name a file or a URL of one") from error
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            return upright_rgb(image)
    except UnidentifiedImageError as error:
        raise PictureError(f"{url} is none of {', '.join(FORMATS)}; save it as one") from error
    except Exception as error:  # decoders raise almost anything
        raise PictureError(f"{url} cannot be decoded: {error}; save it anew") from error


def filled(picture: Rgb, shape: tuple[int, int]) -> Rgb:
    """The centre of an image scaled to a shape, up or down, by Lanczos' filter.

    Args:
        picture: uint8 `(height, width, 3)`.
        shape: height and width, in pixels.
    """
    height, width = shape
    fitted = ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted)
