"""Parts of an image made unrecognisable: boxes blurred, everything else as it was."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageFilter

from dalle_model.cuts import Box
from dalle_model.pixels import Rgb

WHOLE = (1 << 16) - 1  # a coordinate of the right or the lower edge of an image: uint16 holds it
# By how much a box grows on each side, and the sigma of the Gaussian, both of its longer edge.
# Source: princetonvisualai/imagenet-face-obfuscation, as img2dataset 1.47.0 `blurrer.py` has it.
GROWTH = SIGMA = 0.1
_REACH = 3  # sigmas beyond a box that its blur looks at; chosen: 99.7 % of a Gaussian


def boxes_of(coordinates: Sequence[int], width: int, height: int) -> list[Box]:
    """Boxes in pixels, rounded outwards.

    Args:
        coordinates: left, top, right and bottom of each box in turn, 0..65,535 of the edge.
        width: of the image, in pixels.
        height: likewise.
    """
    rows = np.reshape(np.asarray(coordinates, np.int64), (-1, 4))
    edges = np.array([width, height, width, height], np.int64)
    low, high = rows * edges // WHOLE, -(-rows * edges // WHOLE)
    return [Box(*map(int, (*low[n, :2], *high[n, 2:]))) for n in range(len(rows))]


def coordinates_of(boxes: Iterable[Sequence[float]], width: int, height: int) -> list[int]:
    """The opposite: boxes in pixels as whole coordinates, rounded outwards.

    Args:
        boxes: left, top, right, bottom of each, in pixels.
        width: of the image, in pixels.
        height: likewise.
    """
    found: list[int] = []
    for left, top, right, bottom in boxes:
        low = (math.floor(left / width * WHOLE), math.floor(top / height * WHOLE))
        high = (math.ceil(right / width * WHOLE), math.ceil(bottom / height * WHOLE))
        found += [min(max(value, 0), WHOLE) for value in (*low, *high)]
    return found


def blur_boxes(rgb: Rgb, coordinates: Sequence[int]) -> Rgb:
    """An image whose boxes, grown by a tenth of their longer edge, are blurred.

    Where they overlap, what is blurred is blurred again. Each has a Gaussian of its own, so that a
    small face is not smeared by that of a large one.

    Args:
        rgb: uint8 `(height, width, 3)`.
        coordinates: as of `boxes_of`.

    Returns:
        The same shape; pixels outside the grown boxes are those of `rgb`.
    """
    height, width, _ = rgb.shape
    image = Image.fromarray(rgb)
    for box in boxes_of(coordinates, width, height):
        edge = max(box.width, box.height)
        inner = _grown(box, math.ceil(GROWTH * edge), width, height)
        outer = _grown(inner, math.ceil(_REACH * SIGMA * edge), width, height)
        soft = image.crop(outer).filter(ImageFilter.GaussianBlur(SIGMA * edge))
        left, top = inner.left - outer.left, inner.top - outer.top
        part = soft.crop((left, top, left + inner.width, top + inner.height))
        image.paste(part, (inner.left, inner.top))
    return np.asarray(image)


def _grown(box: Box, by: int, width: int, height: int) -> Box:
    return Box(
        max(box.left - by, 0),
        max(box.top - by, 0),
        min(box.right + by, width),
        min(box.bottom + by, height),
    )
