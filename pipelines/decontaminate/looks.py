"""Which references an image looks like: all are compared, by sketches, hashes, then thumbnails.

The sketches of a block of images and of all references are one product of matrices, whose entries
are whole numbers that float32 holds exactly: 5,000 references cost an image some 25 microseconds,
and none is missed for want of a common cell.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.sameness.alignment import same_picture
from pipelines.sameness.likeness import MAX_ASPECT_CHANGE, Likeness
from pipelines.sameness.views import Views

BLOCK = 1 << 22  # pairs at a time; chosen: 16 MB of distances

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Near(NamedTuple):
    """Pairs of views, by their places, and the bits in which their hashes differ."""

    ours: Ints
    theirs: Ints
    hamming: Ints


class Looks:
    """The views of references, ready to be compared.

    Args:
        views: of all references.
        thumbnails: uint8 `(views, 768)`.
        limits: what is near.
    """

    def __init__(self, views: Views, thumbnails: npt.NDArray[np.uint8], limits: Likeness) -> None:
        self._views, self._thumbnails, self._limits = views, thumbnails, limits
        values = views.values.astype(np.float32)
        ones = np.ones((len(values), 1), np.float32)
        self._factors = np.concatenate([-2 * values, ones, _squares(values)], axis=1)
        self._reach = _limit(views, limits)

    def like(self, views: Views, thumbnails: npt.NDArray[np.uint8]) -> Near:
        """The pairs of views that show the same picture.

        Args:
            views: of images.
            thumbnails: uint8 `(views, 768)`.
        """
        near = self.near(views)
        same = same_picture(thumbnails[near.ours], self._thumbnails[near.theirs], self._limits)
        return Near(near.ours[same], near.theirs[same], near.hamming[same])

    def near(self, views: Views) -> Near:
        """The pairs whose sketches and hashes are near, and whose shapes are alike."""
        step = max(1, BLOCK // max(1, len(self._factors)))
        blocks = [
            self._near_in(views, slice(start, start + step))
            for start in range(0, len(views.rows), step)
        ]
        empty = np.empty(0, np.int64)
        return Near(*map(np.concatenate, zip((empty, empty, empty), *blocks, strict=True)))

    def _near_in(self, views: Views, block: slice) -> Near:
        values = views.values[block].astype(np.float32)
        ones = np.ones((len(values), 1), np.float32)
        squares = np.concatenate([values, _squares(values), ones], axis=1) @ self._factors.T
        reach = _limit(views, self._limits)[block]
        ours, theirs = np.nonzero(squares <= np.maximum(reach[:, None], self._reach))
        ours += block.start
        hamming = np.bitwise_count(views.phash[ours] ^ self._views.phash[theirs])
        apart = np.abs(views.aspect[ours].astype(np.int16) - self._views.aspect[theirs])
        fit = (hamming <= self._limits.max_hamming) & (apart <= MAX_ASPECT_CHANGE)
        return Near(ours[fit], theirs[fit], hamming[fit].astype(np.int64))


def _squares(values: Floats) -> Floats:
    """The squared length of each sketch, `(n, 1)`."""
    return np.asarray((values**2).sum(axis=1, keepdims=True))


def _limit(views: Views, limits: Likeness) -> Floats:
    """The squared distance that a view allows, `(n,)`; of two views the larger one counts."""
    return np.asarray((views.reach.astype(np.float32) + limits.max_sketch_distance) ** 2)
