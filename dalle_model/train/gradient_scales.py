"""When the scale of a residual branch's gradient grows, and when it falls.

A branch whose backward pass runs in 16 bits has its incoming gradient multiplied by a scale, as
large as can be without an overflow, so that small gradients do not become 0.

Source of all constants: Ramesh et al. 2021, section 2.4 and appendix D.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# Shape letters: R residual branches.

# Scales are powers of two whose exponents are counted in thousandths, of which growth adds one and
# a division by the root of two takes 500: whole numbers, so that no run of updates rounds them.
DOUBLING = 1000
START, LEAST, MOST = 13 * DOUBLING, 7 * DOUBLING, 24 * DOUBLING
CUT = DOUBLING // 2
LOCKOUT = 125  # updates from one division of a scale to the next one, at least


class GradientScales(NamedTuple):
    """The scales of all branches between two updates.

    Args:
        thousandths: int64 `(R,)`, `LEAST`..`MOST`: of the logarithms to base 2 of the scales, for
            one replica.
        since_cut: int64 `(R,)`: updates since the last division, the one that divided not counted.
    """

    thousandths: Tensor
    since_cut: Tensor

    def values(self, replicas: int) -> Tensor:
        """The scales, float32 `(R,)`.

        Args:
            replicas: of the model, each of which has a part of the batch: the loss is divided by
                the whole batch, so that its gradient in one of them is smaller by their number.
        """
        return (replicas * torch.exp2(self.thousandths.double() / DOUBLING)).float()

    def after(self, is_finite_R: Tensor) -> "GradientScales":
        """The scales after an update, given of which branches all gradients were finite."""
        since_cut_R = self.since_cut + 1
        is_cut_R = ~is_finite_R & (since_cut_R >= LOCKOUT)
        moved_R = self.thousandths + is_finite_R.long() - CUT * is_cut_R.long()
        return GradientScales(moved_R.clamp(LEAST, MOST), since_cut_R.where(~is_cut_R, 0))

    def exhausted(self, is_finite_R: Tensor) -> Tensor:
        """Which branches are not finite in this update and have no smaller scale left, bool."""
        may_be_cut_R = self.since_cut + 1 >= LOCKOUT
        return ~is_finite_R & may_be_cut_R & (self.thousandths == LEAST)


def first_scales(num_branches: int) -> GradientScales:
    """The scales before the first update, any of which may be divided at once."""
    return GradientScales(torch.full((num_branches,), START), torch.full((num_branches,), LOCKOUT))
