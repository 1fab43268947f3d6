"""Which of the images of a caption is judged: the best of the first N, by a scorer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestration.evaluation.sets import Picture, PictureSet, SamplesError


def check_candidates(found: PictureSet, numbers: Sequence[int]) -> None:
    """Refuse a set of which no so many images of a caption can be chosen from.

    Args:
        found: the set.
        numbers: of images of a caption; none where all images are judged.

    Raises:
        SamplesError: a caption has fewer, or an image has no caption.
    """
    if not numbers:
        return
    if unnamed := [one.image.name for one in found.pictures if not one.caption]:
        raise SamplesError(
            f"{found.path}: {unnamed[0]} has no caption, by which --best-of chooses; write one "
            "beside it, or a table `captions.csv` of `file` and `caption`"
        )
    groups = _groups(found.pictures)
    least = min(groups, key=lambda group: len(groups[group]))
    if len(groups[least]) < max(numbers):
        raise SamplesError(
            f"--best-of {max(numbers)}: {found.path} has {len(groups[least])} image(s) of {least}; "
            "images of one caption are called CAPTION_NUMBER, such as `0001_0.png`, `0001_1.png`"
        )


def best_of(
    pictures: Sequence[Picture], scores: NDArray[np.floating], number: int
) -> NDArray[np.int64]:
    """The best image of each group among its first ones; of equal ones the first.

    Args:
        pictures: of all groups.
        scores: of each picture and its caption.
        number: how many of a group are looked at, in the order of their numbers; all of a group
            that has fewer, since some are broken.

    Returns:
        Places of the pictures, one a group, ascending.
    """
    found = []
    for places in _groups(pictures).values():
        first = sorted(places, key=lambda place: pictures[place].number)[:number]
        found.append(max(first, key=lambda place: scores[place]))
    return np.sort(np.array(found, np.int64))


def _groups(pictures: Sequence[Picture]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place, picture in enumerate(pictures):
        groups.setdefault(picture.group, []).append(place)
    return groups
