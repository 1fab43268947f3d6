"""What a rule on one caption is: a named measure, compared with the recipe's limit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.recount import Recount
from pipelines.captions.settings import Settings


def no_versions(settings: Settings) -> dict[str, str]:
    """For a rule that uses no model and no word list."""
    return {}


@dataclass(frozen=True)
class Rule:
    """A named measure.

    Args:
        name: its key in the recipe, the reason of its rejections and its counter.
        measure: pure function of a batch -> float64 `[captions]`, each value of its caption alone;
            NaN cannot be measured, and passes.
        is_floor: the limit is the least value that passes; else it is the greatest.
        details: what the number cannot say, `[captions]`; computed only for captions that fail,
            and for those that a person wants explained.
        versions: name -> version or sha256 of each model and word list that it uses with some
            settings; part of the stage's fingerprint.
        recount: counts the value of one row again, where its caption alone cannot tell it.
    """

    name: str
    measure: Callable[[Batch], NDArray[np.float64]]
    is_floor: bool = False
    details: Callable[[Batch], list[str]] | None = None
    versions: Callable[[Settings], dict[str, str]] = no_versions
    recount: Recount | None = None

    def passes(self, measured: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """Which values are within the limit; NaN is."""
        return ~(measured < limit) if self.is_floor else ~(measured > limit)
