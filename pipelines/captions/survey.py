"""How near captions come to the limits of a funnel's rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.funnel import Funnel


@dataclass(frozen=True)
class Survey:
    """Captions with what each rule measures of them.

    Args:
        captions: distinct ones, in alphabetical order.
        measured: by rule, float64 `[captions]`; NaN where it cannot be measured.
    """

    captions: list[str]
    measured: dict[str, NDArray[np.float64]]

    def nearest(self, rule: str, limit: float, count: int) -> list[tuple[str, float]]:
        """The captions nearest to a limit with their values, nearest first; NaN ones last."""
        values = self.measured[rule]
        order = np.argsort(np.abs(values - limit), kind="stable")[:count]
        return [(self.captions[i], float(values[i])) for i in order.tolist()]


def survey(raw: Sequence[str], funnel: Funnel) -> Survey:
    """Measure captions by every rule on one caption as found, whether they pass or not."""
    distinct = sorted(set(raw))
    batch = Batch(pa.array(distinct, pa.string()), funnel.spec)
    return Survey(distinct, {rule.name: rule.measure(batch) for rule, _ in funnel.steps})
