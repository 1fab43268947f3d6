"""Reading coloured shapes out of an image: what is there, in which colour, and where.

A shape is a patch of pixels that are connected and not white. Its colour is the one of the
palette nearest to their median, its form the one whose ideal in its bounding box fits best.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

# Shape letters: H, W height and width in pixels.

# Chosen: as far from each other and from white as six colours with short names are.
PALETTE = {
    "red": (220, 30, 40),
    "green": (30, 160, 60),
    "blue": (40, 80, 220),
    "yellow": (250, 200, 30),
    "purple": (150, 50, 180),
    "black": (30, 30, 30),
}
FORMS = ("circle", "square", "triangle")
COUNTS = ("one", "two", "three", "four")
# Chosen on rendered images after encoding and decoding with the shipped codec:
_FROM_WHITE = 90  # distance in RGB, 0..441, from which a pixel belongs to a shape
_SMALLEST = 80  # pixels; what is smaller is a blot of the codec

Mask = npt.NDArray[np.bool_]


class FoundShape(NamedTuple):
    """A shape of an image.

    Args:
        color: a name of the palette.
        form: one of `FORMS`.
        x: of the centre of its bounding box, in pixels from the left.
        y: likewise, from the top.
    """

    color: str
    form: str
    x: float
    y: float


def find_shapes(image: Rgb) -> list[FoundShape]:
    """The shapes of an image, from left to right, and from the top where two are as far left.

    Args:
        image: uint8 `(H, W, 3)`, shapes on a white ground.
    """
    pixels = image.astype(np.float64)
    is_inked_HW = np.linalg.norm(255 - pixels, axis=-1) > _FROM_WHITE
    label_HW = connected(is_inked_HW)
    labels, sizes = np.unique(label_HW[is_inked_HW], return_counts=True)
    found = [_described(pixels, label_HW == label) for label in labels[sizes >= _SMALLEST]]
    return sorted(found, key=lambda shape: (shape.x, shape.y))


def shows(image: Rgb, attributes: Mapping[str, str]) -> bool:
    """Whether an image shows what the attributes of a picture of the small world say.

    Args:
        image: uint8 `(H, W, 3)`.
        attributes: `count`, `color` and `shape`; or `first`, `relation` and `second`.
    """
    if "count" in attributes:
        number = COUNTS.index(attributes["count"]) + 1
        form = attributes["shape"].removesuffix("s")
        return shows_count(image, number, attributes["color"], form)
    return shows_relation(image, attributes["first"], attributes["relation"], attributes["second"])


def shows_count(image: Rgb, number: int, color: str, form: str) -> bool:
    """Whether an image shows so many shapes of a colour and form, and nothing else."""
    found = find_shapes(image)
    return len(found) == number and all(one[:2] == (color, form) for one in found)


def shows_relation(image: Rgb, first: str, relation: str, second: str) -> bool:
    """Whether an image shows two shapes, of which one lies on a side of the other.

    Args:
        image: uint8 `(H, W, 3)`.
        first: colour and form, such as `red circle`.
        relation: `left of`, `right of`, `above` or `below`: in which direction the centre of the
            first is furthest from that of the second.
        second: another colour or form.
    """
    shapes = find_shapes(image)
    by_name = {f"{shape.color} {shape.form}": shape for shape in shapes}
    if len(shapes) > len(by_name) or by_name.keys() != {first, second}:
        return False
    one, other = by_name[first], by_name[second]
    across, down = other.x - one.x, other.y - one.y
    distances = {"left of": across, "right of": -across, "above": down, "below": -down}
    return max(distances, key=lambda side: distances[side]) == relation


def connected(mask_HW: Mask) -> npt.NDArray[np.int64]:
    """A number for each set of true pixels that touch along an edge, above 0; 0 elsewhere."""
    label_HW = np.arange(1, mask_HW.size + 1).reshape(mask_HW.shape) * mask_HW
    while True:
        padded = np.pad(label_HW, 1)
        sides = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
        spread_HW = np.maximum.reduce([label_HW, *sides]) * mask_HW
        if np.array_equal(spread_HW, label_HW):
            return label_HW
        label_HW = spread_HW


def ideal(form: str, height: int, width: int) -> Mask:
    """The pixels of a form that fills its bounding box, bool `(height, width)`."""
    y, x = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None] + 0.5) / width
    if form == "circle":
        return np.asarray((2 * y - 1) ** 2 + (2 * x - 1) ** 2 <= 1)
    if form == "triangle":  # its tip is on top
        return np.asarray(np.abs(2 * x - 1) <= y)
    return np.ones((height, width), bool)


def _described(pixels: npt.NDArray[np.float64], mask_HW: Mask) -> FoundShape:
    rows, columns = np.flatnonzero(mask_HW.any(axis=1)), np.flatnonzero(mask_HW.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    own = mask_HW[top:bottom, left:right]
    overlaps = [_overlap(own, ideal(form, *own.shape)) for form in FORMS]
    distances = np.linalg.norm(np.array(list(PALETTE.values())) - _ink(pixels, mask_HW), axis=1)
    color = list(PALETTE)[int(distances.argmin())]
    form = FORMS[int(np.argmax(overlaps))]
    return FoundShape(color, form, float(left + right) / 2, float(top + bottom) / 2)


def _ink(pixels: npt.NDArray[np.float64], mask_HW: Mask) -> npt.NDArray[np.float64]:
    """The median colour, which the pale pixels of an edge do not move."""
    return np.asarray(np.median(pixels[mask_HW], axis=0))


def _overlap(one: Mask, other: Mask) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())
