"""Whether two views show the same picture, seen in thumbnails of 16x16 cells.

One of them is cut so that the other looks like it: first its columns, then its rows, by the sums
over the other direction. Then no part may differ much, and all together little, in relation to the
contrast of the picture.
"""

import numpy as np
import numpy.typing as npt

from pipelines.sameness.likeness import Likeness

EDGE = 16
_STEPS = (0.0, 0.02, 0.04, 0.06, 0.08)  # of an edge that is cut off; chosen: a third of a cell
_LARGEST_CUT = 0.121  # of both sides together
_SCALE = 256  # integers keep sums exact, whatever the order in which a BLAS adds

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Thumbnails = npt.NDArray[np.uint8]  # (pairs, 768): RGB in raster order
BATCH = 4096  # pairs at a time; chosen: 100 MB of cuts tried


def same_picture(ones: Thumbnails, others: Thumbnails, limits: Likeness) -> Flags:
    """Whether one view of each pair, or a part of it, shows the same as the other."""
    same = [np.empty(0, bool)]
    for start in range(0, len(ones), BATCH):
        one = ones[start : start + BATCH].reshape(-1, EDGE, EDGE, 3).astype(np.float32)
        other = others[start : start + BATCH].reshape(-1, EDGE, EDGE, 3).astype(np.float32)
        found = _alike(one, other, limits)  # as most copies are, without any cut
        for whole, part in ((one, other), (other, one)):
            rest = np.flatnonzero(~found)
            found[rest] = _alike(_cut_like(whole[rest], part[rest]), part[rest], limits)
        same.append(found)
    return np.concatenate(same)


def _alike(one: Floats, other: Floats, limits: Likeness) -> Flags:
    apart = np.abs(_quarters(one - other)).max(axis=2)
    contrast = np.minimum(_contrast(one), _contrast(other))
    mean, most = apart.mean(axis=1), apart.max(axis=1)
    return np.asarray(
        (mean <= limits.max_mean_difference + limits.contrast_share * contrast)
        & (most <= limits.max_cell_difference + contrast)
    )


def _cut_like(whole: Floats, part: Floats) -> Floats:
    """The part of each view that looks most like another view, as integers again."""
    rows = _best_cut(whole.sum(axis=2), part.sum(axis=2))
    columns = _best_cut(whole.sum(axis=1), part.sum(axis=1))
    cut = np.matmul(_CUTS[rows], whole.reshape(-1, EDGE, EDGE * 3)).reshape(whole.shape)
    turned = np.ascontiguousarray(cut.transpose(0, 2, 1, 3)).reshape(-1, EDGE, EDGE * 3) / _SCALE
    cut = np.matmul(_CUTS[columns], turned).reshape(whole.shape).transpose(0, 2, 1, 3)
    return np.asarray(np.rint(cut / _SCALE))


def _best_cut(whole: Floats, part: Floats) -> npt.NDArray[np.int64]:
    """Which cut of the sums `(pairs, 16, 3)` of one leaves what is most like those of the other."""
    sums = whole.transpose(1, 0, 2).reshape(EDGE, -1)
    tried = (_CUTS.reshape(-1, EDGE) @ sums).reshape(len(_CUTS), EDGE, len(whole), 3)
    apart = np.abs(tried / _SCALE - part.transpose(1, 0, 2)).sum(axis=(1, 3))
    return np.asarray(apart.argmin(axis=0))


def _contrast(views: Floats) -> Floats:
    """How far the cells of a view are from its median colour, in the mean, in levels."""
    cells = _quarters(views)
    middle = np.median(cells, axis=1, keepdims=True) if len(cells) else cells[:, :1]
    return np.asarray(np.abs(cells - middle).max(axis=2).mean(axis=1))


def _quarters(cells: Floats) -> Floats:
    """The means of 2x2 cells, `(pairs, 64, 3)`."""
    rows = cells[:, 0::2] + cells[:, 1::2]
    return np.asarray((rows[:, :, 0::2] + rows[:, :, 1::2]).reshape(-1, 64, 3) / 4)


def _cuts() -> Floats:
    """Cells of a thumbnail to those of a part of it, between them linear: `(cuts, 16, 16)`."""
    found = []
    for first in _STEPS:
        for last in _STEPS:
            if first + last <= _LARGEST_CUT:
                centres = (first + (np.arange(EDGE) + 0.5) / EDGE * (1 - first - last)) * EDGE - 0.5
                clipped = centres.clip(0, EDGE - 1)[:, None]
                found.append(np.maximum(0, 1 - np.abs(clipped - np.arange(EDGE))))
    return np.round(np.array(found) * _SCALE).astype(np.float32)


_CUTS = _cuts()
