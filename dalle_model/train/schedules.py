"""Cosine schedules of dVAE training. Source: Ramesh et al. 2021, appendix A.2."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from `start` to `end`, then constant.

    Args:
        start: value at step 0.
        end: value from step `steps` on.
        steps: length of the schedule; 0 for `end` throughout.
    """

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """Value at a step, counted from 0."""
        if step >= self.steps:
            return self.end
        share = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.end + (self.start - self.end) * share
