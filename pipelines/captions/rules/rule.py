"""What a rule is: a named measure of captions, to be held against the recipe's limit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch


@dataclass(frozen=True)
class Rule:
    """A named measure.

    Args:
        name: its key in the recipe, the reason of its rejections and its counter.
        measure: pure function of a batch -> float64 `[captions]`, each value of its caption alone;
            NaN cannot be measured, and passes.
        is_floor: the limit is the least value that passes; else it is the greatest.
        details: what the number cannot say, `[captions]`; asked only for captions that fail, and
            for those that a person wants explained.
    """

    name: str
    measure: Callable[[Batch], NDArray[np.float64]]
    is_floor: bool = False
    details: Callable[[Batch], list[str]] | None = None

    def passes(self, measured: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Which values are within the limit; NaN is."""
        return ~(measured < limit) if self.is_floor else ~(measured > limit)
