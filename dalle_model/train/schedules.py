"""Cosine schedules of the dVAE's training. Source: Ramesh et al. 2021, appendix A.2."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from `start` to `end` over some updates, then constant.

    Args:
        start: value at update 0.
        end: value from update `updates` on.
        updates: length, in updates; 0 means `end` throughout.
    """

    start: float
    end: float
    updates: int

    def __call__(self, update: int) -> float:
        """Value at an update, counted from 0."""
        if update >= self.updates:
            return self.end
        share = 0.5 * (1 + math.cos(math.pi * update / self.updates))
        return self.end + (self.start - self.end) * share
