"""A learning rate that is halved where a measured loss falls no more.

The paper halves its rate five times, "each time the training loss appeared to plateau", and gives
no rule. Chosen: that of torch's `ReduceLROnPlateau` with its defaults, on the loss of what is held
out.

Source: Ramesh et al. 2021, appendix B.2.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, distributed, nn


class Plateau(NamedTuple):
    """What is remembered of the measurements so far.

    Args:
        lowest: of them, of those that were lower by enough.
        waited: measurements since then, or since the last halving.
        halvings: so far.
    """

    lowest: float = math.inf
    waited: int = 0
    halvings: int = 0

    def after(self, measured: float, patience: int, threshold: float, most: int) -> "Plateau":
        """What is remembered after one more measurement.

        Args:
            measured: a loss, above 0.
            patience: measurements that are waited for, without a lower one, before that one at
                which the rate is halved.
            threshold: share of the lowest by which another one is lower at least.
            most: halvings.
        """
        if measured < self.lowest * (1 - threshold):
            return Plateau(measured, 0, self.halvings)
        if self.waited < patience:
            return self._replace(waited=self.waited + 1)
        return Plateau(self.lowest, 0, min(self.halvings + 1, most))


class PlateauRate(nn.Module):
    """The share of the learning rate that is left, as a tensor that is saved with a run.

    Args:
        patience: as in `Plateau.after`.
        threshold: likewise.
        most: likewise.
    """

    def __init__(self, patience: int, threshold: float, most: int) -> None:
        super().__init__()
        self._rule = (patience, threshold, most)
        self.register_buffer("remembered", torch.tensor(Plateau(), dtype=torch.float64))
        self.remembered: Tensor

    @property
    def plateau(self) -> Plateau:
        """What is remembered."""
        lowest, waited, halvings = self.remembered.tolist()
        return Plateau(lowest, int(waited), int(halvings))

    @property
    def share(self) -> float:
        """Of the full learning rate."""
        return float(0.5**self.plateau.halvings)

    def measured(self, loss: float) -> None:
        """Take note of a measurement; all processes must, and that of the first one counts.

        Theirs may differ by rounding, and rates that differ would take their weights apart.
        """
        after = self.plateau.after(loss, *self._rule)
        self.remembered.copy_(torch.tensor(after, dtype=torch.float64))
        if distributed.is_initialized():
            distributed.broadcast(self.remembered, 0)
