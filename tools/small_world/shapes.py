"""Rendered shapes: so many of one kind, or two of which one is beside, above or below the other."""

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
from PIL import Image, ImageDraw

from dalle_model.evaluate.shapes import COUNTS, FORMS, PALETTE
from tools.small_world.things import SIDE, Rgb, Thing

CONVERSES = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
EDGE = 20  # pixels of a shape; chosen: four and more fit, and a patch of the codec is smaller
STEP = 4  # pixels between places; chosen: half a patch
GAP = 4  # pixels between two shapes, at least
MAX_ASIDE = 12  # pixels between the centres of two beside each other, in the other direction
_FINER = 4  # times, at which shapes are drawn before they are scaled down

Place = tuple[int, int]  # left and top, in pixels
_PLACES = list(product(range(0, SIDE - EDGE + 1, STEP), repeat=2))


def count_combinations() -> Iterator[dict[str, str]]:
    """Attributes of all pictures of equal shapes."""
    for count, color, form in product(COUNTS, PALETTE, FORMS):
        yield {"count": count, "color": color, "shape": form if count == "one" else f"{form}s"}


def relation_combinations() -> Iterator[dict[str, str]]:
    """Attributes of all pictures of two different shapes."""
    both = permutations(product(PALETTE, FORMS), 2)
    for (first, second), (relation, converse) in product(both, CONVERSES.items()):
        yield {
            "first": " ".join(first),
            "second": " ".join(second),
            "relation": relation,
            "converse": converse,
        }


def counted(attributes: dict[str, str], rng: np.random.Generator) -> Thing:
    """A picture of equal shapes at random places."""
    number = COUNTS.index(attributes["count"]) + 1
    color, form = attributes["color"], attributes["shape"].removesuffix("s")
    shapes = [(color, form, place) for place in _apart(number, rng)]
    return Thing("count", attributes, "", render(shapes))


def related(attributes: dict[str, str], rng: np.random.Generator) -> Thing:
    """A picture of two shapes at random places that stand in a relation."""
    places = _apart(2, rng)
    while not _holds(attributes["relation"], *places):
        places = _apart(2, rng)
    names = [attributes[name].split(" ") for name in ("first", "second")]
    shapes = [(color, form, at) for (color, form), at in zip(names, places, strict=True)]
    return Thing("relation", attributes, "", render(shapes))


def render(shapes: list[tuple[str, str, Place]]) -> Rgb:
    """Shapes on white, uint8 `(SIDE, SIDE, 3)`, of colour, form and place each."""
    canvas = Image.new("RGB", (SIDE * _FINER, SIDE * _FINER), "white")
    draw = ImageDraw.Draw(canvas)
    for color, form, (left, top) in shapes:
        x, y, edge = left * _FINER, top * _FINER, EDGE * _FINER
        box = (x, y, x + edge - 1, y + edge - 1)
        if form == "circle":
            draw.ellipse(box, PALETTE[color])
        elif form == "square":
            draw.rectangle(box, PALETTE[color])
        else:
            draw.polygon([(x + edge // 2, y), box[2:], (x, y + edge - 1)], PALETTE[color])
    return np.asarray(canvas.reduce(_FINER))


def _apart(number: int, rng: np.random.Generator) -> list[Place]:
    """Random places of shapes that do not touch, in random order."""
    while True:
        chosen: list[Place] = []
        for index in rng.permutation(len(_PLACES)):
            place = _PLACES[index]
            if all(max(_differences(place, other)) >= EDGE + GAP for other in chosen):
                chosen.append(place)
            if len(chosen) == number:
                return chosen


def _holds(relation: str, first: Place, second: Place) -> bool:
    """Whether one is clearly on a side of the other, and not as clearly on another one too."""
    axis = 0 if relation in ("left of", "right of") else 1
    is_before = relation in ("left of", "above")
    difference = second[axis] - first[axis] if is_before else first[axis] - second[axis]
    return difference >= EDGE + GAP and _differences(first, second)[1 - axis] <= MAX_ASIDE


def _differences(one: Place, other: Place) -> tuple[int, int]:
    return abs(one[0] - other[0]), abs(one[1] - other[1])
