"""Which of the images of a caption is judged: the best of the first N, by a scorer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dalle_model.errors import UsageError
from orchestration.evaluation.sets import Picture


def best_of(
    pictures: Sequence[Picture], scores: NDArray[np.floating], number: int
) -> NDArray[np.int64]:
    """The best image of each group among its first ones; of equal ones the first.

    Args:
        pictures: of all groups.
        scores: of each picture and its caption.
        number: how many of a group are looked at, in the order of their numbers.

    Returns:
        Places of the pictures, one a group, ascending.

    Raises:
        UsageError: a group has fewer.
    """
    groups: dict[str, list[int]] = {}
    for place, picture in enumerate(pictures):
        groups.setdefault(picture.group, []).append(place)
    found = []
    for name, places in groups.items():
        if len(places) < number:
            raise UsageError(
                f"--best-of {number}: {name} has {len(places)} image(s); images of one caption are "
                "called CAPTION_NUMBER, such as `0001_0.png` and `0001_1.png`"
            )
        first = sorted(places, key=lambda place: pictures[place].number)[:number]
        found.append(max(first, key=lambda place: scores[place]))
    return np.sort(np.array(found, np.int64))
