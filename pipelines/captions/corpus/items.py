"""The counted things of captions, and the captions that contain one beyond a limit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.captions.corpus.tally import Hashes, Tally


@dataclass(frozen=True, eq=False)
class Items:
    """The counted things of many captions.

    Args:
        hashes: uint64 `[items]`.
        captions: int64 `[items]`, the caption of each.
        name: an item's number -> what a person calls it.
    """

    hashes: Hashes
    captions: npt.NDArray[np.int64]
    name: Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Failures:
    """Captions with an item beyond a limit, each with its worst one.

    Args:
        captions: int64 `[failures]`, ascending.
        measured: float64 `[failures]`, the item's count or rank.
        details: the item's name.
    """

    captions: npt.NDArray[np.int64]
    measured: npt.NDArray[np.float64]
    details: list[str]


def failures(items: Items, failing: Tally, is_floor: bool) -> Failures:
    """The captions that contain a failing item.

    Args:
        items: of the captions.
        failing: hash -> what was measured of it, of all items beyond the limit.
        is_floor: the worst item is the one with the least number; else the greatest. Of equals, the
            first in the caption.
    """
    indices = failing.find(items.hashes)
    failed = np.flatnonzero(indices >= 0)
    captions, measured = items.captions[failed], failing.numbers[indices[failed]]
    order = np.lexsort((failed, measured if is_floor else -measured, captions))
    chosen = order[np.flatnonzero(np.diff(captions[order], prepend=-1))]
    details = [items.name(item) for item in failed[chosen].tolist()]
    return Failures(captions[chosen], measured[chosen].astype(np.float64), details)
