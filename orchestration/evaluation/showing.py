"""Some of the images of an evaluation beside their captions, for people to look at."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dalle_model.pixels import to_png
from orchestration.evaluation.bench import ReadSet
from orchestration.evaluation.judging import SampleSide
from orchestration.evaluation.pictures import Look, decoded, looked_at
from orchestration.evaluation.results import REFERENCE, Shown
from orchestration.evaluation.sets import Picture

SHOWN = 12  # captions on the page; chosen: what a person looks through


def shown_of(
    sides: Sequence[SampleSide], reference: ReadSet | None, number: int, side: int
) -> list[Shown]:
    """Some captions of the first set, each with an image of every set that has it.

    Args:
        sides: the sets.
        reference: whose image is shown, too, where the name of a sample leads to one.
        number: from how many of a caption one is chosen; 0 for all pictures.
        side: of the squares that images become, in pixels; 0 leaves them as they are.
    """
    by_set = dict(_columns(sides, number))
    first = next(iter(by_set.values()))
    originals = {one.image.name: one for one in reference.pictures} if reference else {}
    found = []
    for title in _spread(sorted(first)):
        pictures = dict(_of(title, by_set))
        if original := originals.get(first[title].of):
            pictures = {REFERENCE: original} | pictures
        found.append(Shown(title, {name: _png(one, side) for name, one in pictures.items()}))
    return found


def _columns(sides: Sequence[SampleSide], number: int) -> Iterator[tuple[str, dict[str, Picture]]]:
    """What is shown of each set: of many images of a caption the first, and the best."""
    for side in sides:
        name = side.read.found.name
        if number > 1:
            yield f"{name}, first", by_title(side, 1)
            yield f"{name}, best of {number}", by_title(side, number)
        else:
            yield name, by_title(side, number)


def by_title(side: SampleSide, number: int) -> dict[str, Picture]:
    """The pictures that are judged, by their caption, else by their name: the first of each."""
    found: dict[str, Picture] = {}
    for place in side.chosen(number, frozenset()):
        picture = side.read.pictures[place]
        found.setdefault(picture.caption or picture.group, picture)
    return found


def _of(title: str, by_set: Mapping[str, Mapping[str, Picture]]) -> Iterator[tuple[str, Picture]]:
    for name, pictures in by_set.items():
        if title in pictures:
            yield name, pictures[title]


def _spread(titles: Sequence[str]) -> list[str]:
    """Some of them, as far from each other as can be."""
    places = np.linspace(0, len(titles) - 1, min(SHOWN, len(titles))).astype(int)
    return [titles[place] for place in places]


def _png(picture: Picture, side: int) -> bytes:
    return to_png(looked_at(decoded(picture.image.read()), Look(side)))
