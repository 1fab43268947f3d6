"""Which images are dropped, and for which better ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.dedupe.keys import IMAGE_FIELDS, Records, find_images, starts_of_runs

# `run` and `better_run`: numbers of the runs that hold the two (`pipelines.dedupe.runs`).
# `kind`: one of the three below. `measured`: of a near duplicate the bits in which its hashes
# differ, of a semantic one the cosine.
EXACT, NEAR, SEMANTIC = range(3)
VERDICT_DTYPE = np.dtype(
    [
        *IMAGE_FIELDS,
        ("better_high", "<u8"),
        ("better_low", "<u4"),
        ("kind", "u1"),
        ("measured", "<f8"),
        ("run", "u1"),
        ("better_run", "u1"),
    ]
)


@dataclass(frozen=True)
class Verdicts:
    """On images of one shard.

    Args:
        dropped: `VERDICT_DTYPE`; any order; of an image there may be several.
    """

    dropped: Records


def one_verdict_each(exact: Records, near: Records) -> Records:
    """One verdict on each image, sorted by image: equal pixels go before a near duplicate.

    Args:
        exact: of a shard itself and of all shards. The better image that the shard itself found is
            replaced by the best one of all, where that one is in another shard.
        near: one on an image, or none.
    """
    exact = _follow(exact)
    both = np.concatenate([exact, near])
    ordered = both[np.lexsort((both["kind"], both["low"], both["high"]))]
    return ordered[starts_of_runs(ordered["high"], ordered["low"])]


def joined_verdicts(found: Iterable[Verdicts]) -> Verdicts:
    """Verdicts of several kinds on images of one shard, of an image one, sorted by image."""
    dropped = concatenated([verdicts.dropped for verdicts in found], VERDICT_DTYPE)
    return Verdicts(dropped[np.lexsort((dropped["low"], dropped["high"]))])


def _follow(exact: Records) -> Records:
    """A shard says A for B, all shards say B for C: A is dropped for C.

    Keys of a finished run may be here as well, for other pixels: its images are never dropped.
    """
    ordered = exact[np.lexsort((exact["low"], exact["high"]))]
    better = np.empty(len(ordered), IMAGE_FIELDS)
    better["high"], better["low"] = ordered["better_high"], ordered["better_low"]
    place = find_images(better, ordered)
    moved = (place >= 0) & (ordered["better_run"] == ordered["run"])
    followed = ordered.copy()
    for name in ("better_high", "better_low", "better_run"):
        followed[name][moved] = ordered[name][place[moved]]
    return followed


def concatenated(parts: Sequence[Records], dtype: np.dtype) -> Records:
    """All records of the parts, none of which there may be."""
    return np.concatenate([np.empty(0, dtype), *parts])
