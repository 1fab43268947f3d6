"""What of an image is encoded: a rectangle of its pixels, mirrored or not, at the codec's size.

A rectangle is told in whole pixels of the original, so that it means the same for an image that is
stored at any size, and for any codec. It is cut once and scaled once, by the codec's own filter.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from dalle_model.pixels import Rgb, crop_box
from dalle_model.resize import Filter, resize

Shape = tuple[int, int]  # height and width, in pixels


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are those behind its last ones."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Cut:
    """What of an image is encoded.

    Args:
        box: in pixels of the original, upright.
        is_flipped: whether it is mirrored, left to right.
        shape: height and width to which it is scaled down, in pixels of the codec.
    """

    box: Box
    is_flipped: bool
    shape: Shape


class Sizes(NamedTuple):
    """The size of an image, and that at which it is stored: the same, or scaled down.

    Args:
        width: of the original, upright, in pixels.
        height: likewise.
        stored_width: in pixels.
        stored_height: in pixels.
    """

    width: int
    height: int
    stored_width: int
    stored_height: int

    @property
    def frame(self) -> Box:
        """The part of the original that is stored: a square is the centre of what is none.

        Of an original that becomes a square by rounding alone, this leaves out less than one pixel
        as stored.
        """
        if self.stored_width == self.stored_height:
            return Box(*crop_box(self.width, self.height))
        return Box(0, 0, self.width, self.height)

    def holds(self, box: Box) -> bool:
        """Whether all of a box of the original is stored."""
        left, top, right, bottom = self.frame
        return left <= box.left and top <= box.top and box.right <= right and box.bottom <= bottom

    def stored(self, box: Box) -> Box:
        """A box of the original in pixels as stored.

        Its edges are rounded up, by which the square that is all of a shorter edge stays so. What
        lies left of it and right of it keeps its ratio, rounded down where it is halfway, by which
        the centre stays the centre.

        Args:
            box: that is stored.
        """
        frame = self.frame
        left, right = _interval(
            box.left - frame.left, box.width, frame.width, self.stored_width, self.scale
        )
        top, bottom = _interval(
            box.top - frame.top, box.height, frame.height, self.stored_height, self.scale
        )
        return Box(left, top, right, bottom)

    @property
    def scale(self) -> Fraction:
        """Pixels as stored for one of the original, along the shorter edge: there it is exact."""
        frame = self.frame
        stored = min(self.stored_width, self.stored_height)
        return Fraction(stored, min(frame.width, frame.height))


def _interval(start: int, length: int, whole: int, stored: int, scale: Fraction) -> tuple[int, int]:
    if length == whole:
        return 0, stored
    scaled = min(stored, math.ceil(length * scale))
    twice, half = 2 * start * (stored - scaled), whole - length
    first = -((half - twice) // (2 * half))  # to the nearest, down where it is halfway
    return first, first + scaled


def too_short(cut: Cut, sizes: Sizes) -> tuple[int, int] | None:
    """The edge of a cut as stored that would have to be scaled up, and the edge that is needed.

    Args:
        cut: of which all is stored.
        sizes: of the image.

    Returns:
        Both in pixels, of the edge that needs most; None where none is too short.
    """
    box = sizes.stored(cut.box)
    edges = zip((box.height, box.width), cut.shape, strict=True)
    short = [(needed, -edge) for edge, needed in edges if edge < needed]
    return (-max(short)[1], max(short)[0]) if short else None


def cut_out(stored: Rgb, cut: Cut, sizes: Sizes, resample: Filter) -> Rgb:
    """The pixels that a cut makes of an image: cropped, scaled down, mirrored.

    Args:
        stored: uint8 `(stored_height, stored_width, 3)`.
        cut: which part.
        sizes: of the image.
        resample: the filter.

    Returns:
        uint8 `(*cut.shape, 3)`: RGB, 0..255, row 0 on top.

    Raises:
        ValueError: not all of the part is stored, or it is smaller than the result; images are
            never scaled up.
    """
    if not sizes.holds(cut.box):
        raise ValueError(f"of the image {sizes.frame} is stored, not all of {cut.box}")
    if short := too_short(cut, sizes):
        raise ValueError(f"an edge of {short[0]} px cannot be scaled to {short[1]} px")
    left, top, right, bottom = sizes.stored(cut.box)
    rgb = stored[top:bottom, left:right]
    if rgb.shape[:2] != cut.shape:
        rgb = resize(rgb, cut.shape[1], cut.shape[0], resample)
    return np.ascontiguousarray(rgb[:, ::-1]) if cut.is_flipped else rgb
