"""Rules on a score, and the threshold that keeps a fraction of all rows, found without holding all.

The scores are counted in bins first; only those in the bin of the threshold are gathered, some
hundredth of all, and one of them is it.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dalle_model.errors import UsageError
from pipelines.select.recipe import SCORE, Counts, Judged, Rule, at_least, column

# Bins are float32 cut to its upper half, so 128 of them between a number and its double.
_NUM_BINS = 1 << 16


class FractionError(UsageError):
    """There are no rows of which a fraction could be kept."""


def scores_from(limit: float, *, is_of_all: bool = False) -> Rule:
    """Scores of a limit or above; a missing one is below."""
    judge = partial(_judge, limit=limit)
    return Rule("low_score", judge, limit, is_of_all)


def _judge(rows: pa.Table, limit: float) -> Judged:
    return at_least(column(rows, SCORE), limit)


@dataclass(frozen=True)
class TopFraction:
    """Which score is the last that is kept, where a fraction of all rows is to be.

    As DataComp has it: of n rows, the score that int(n * fraction) others precede; all equal ones
    are kept. Rows without a score count among the n, behind all others.
    Source: mlfoundations/datacomp at 4a8df19, `baselines/apply_filter.py: get_threshold`.

    Args:
        fraction: between 0 and 1.
    """

    fraction: float

    def count(self, rows: pa.Table) -> Counts:
        """Rows by bin of their score, int64 `[65,536]`."""
        return np.bincount(bins(column(rows, SCORE)), minlength=_NUM_BINS).astype(np.int64)

    def gather(self, rows: pa.Table, counts: Counts) -> NDArray[np.float64]:
        """The scores in the bin that has the threshold."""
        scores = column(rows, SCORE)
        chosen, _ = self._place(counts)
        found: NDArray[np.float64] = scores[bins(scores) == chosen].astype(np.float64)
        return found

    def settle(self, counts: Counts, gathered: NDArray[np.float64]) -> float:
        """The threshold.

        Raises:
            FractionError: there are no rows, or so few with a score that none is the threshold.
        """
        chosen, rank = self._place(counts)
        if chosen == 0:
            raise FractionError(
                f"fraction {self.fraction}: of {int(counts.sum()):,} rows only "
                f"{int(counts[1:].sum()):,} have a score, too few for it; set a threshold instead"
            )
        return float(np.partition(-gathered, rank)[rank] * -1)

    def unsettled(self) -> float:
        """No score is below it."""
        return -np.inf

    def _place(self, counts: Counts) -> tuple[int, int]:
        """The bin of the threshold, and how many scores of that bin precede it."""
        rank = int(int(counts.sum()) * self.fraction)
        above = np.cumsum(counts[::-1])
        place = int(np.searchsorted(above, rank, side="right"))
        if place == _NUM_BINS:
            return 0, 0
        return _NUM_BINS - 1 - place, rank - int(above[place] - counts[::-1][place])


def bins(scores: NDArray[Any]) -> NDArray[np.int64]:
    """The bin of each score, ascending with it; 0 for NaN."""
    bits = scores.astype(np.float32).view(np.uint32)
    is_negative = (bits >> np.uint32(31)).astype(np.bool_)
    ordered = np.where(is_negative, ~bits, bits | np.uint32(1 << 31)) >> np.uint32(16)
    found: NDArray[np.int64] = np.where(np.isnan(scores), 0, ordered.astype(np.int64))
    return found
