"""Training in half precision: each residual branch has a scale of its own for its gradient.

The stream, and its gradient, stay in float32. On its way back the gradient that enters a branch is
multiplied by the branch's scale and goes through it in float16; what leaves it is made finite,
divided by the scale, and added to the stream's. So a branch that overflows loses its own update,
and no scale of the branches before it.

Source: Ramesh et al. 2021, section 2.4 and figure 4.
"""

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import get_total_norm

from dalle_model.prior.block import Block, Branch
from dalle_model.prior.model import Prior
from dalle_model.train.gradient_scales import GradientScales, first_scales

# Shape letters: R residual branches, two of each block.


class ResblockScaling(nn.Module):
    """The scales of a prior's branches, which it sets up to run in float16.

    Everything else of the prior, its embeddings, last norm and output layers, runs in float32 as
    long as no autocast is put around it.

    Args:
        prior: is changed in place.
        replicas: of the prior, times the parts in which each has its share of a batch.
    """

    def __init__(self, prior: Prior, replicas: int) -> None:
        super().__init__()
        self._prior, self._replicas = [prior], replicas  # in a list, it is no part of this module
        first = first_scales(2 * len(prior.blocks))
        self.register_buffer("thousandths", first.thousandths)
        self.register_buffer("since_cut", first.since_cut)
        self.thousandths: Tensor
        self.since_cut: Tensor
        for number, block in enumerate(self._blocks()):
            block.run_attention = ScaledBranch(self, 2 * number)
            block.run_mlp = ScaledBranch(self, 2 * number + 1)

    @property
    def scales(self) -> GradientScales:
        """Of all branches: of each block attention, then MLP."""
        return GradientScales(self.thousandths, self.since_cut)

    def values(self) -> Tensor:
        """What gradients are multiplied by, float32 `(R,)`."""
        return self.scales.values(self._replicas)

    @torch.no_grad()
    def settle(self) -> list[str]:
        """Divide the gradients of all branches by their scales, and set the next scales.

        Returns:
            Names of the branches that overflowed, for which the update is to be skipped, the same
            in every process. None where that is no help: where a gradient outside of the branches
            is not finite, or a branch overflows with the smallest scale. Then no scale is changed,
            and the gradients stay as they are, for the one who takes the update to refuse them.
        """
        branches = [_gradients(branch) for branch in self._branches()]
        for gradients, scale in zip(branches, self.values(), strict=True):
            for gradient in gradients:
                gradient.div_(scale)
        groups = [*branches, _gradients(self._others())]
        *are_finite, rest_is_finite = self._are_finite(groups).tolist()
        is_finite_R = torch.tensor(are_finite, dtype=torch.bool, device=self.thousandths.device)
        if not rest_is_finite or self.scales.exhausted(is_finite_R).any():
            return []
        after = self.scales.after(is_finite_R)
        self.thousandths.copy_(after.thousandths)
        self.since_cut.copy_(after.since_cut)
        return _names(~is_finite_R)

    def _are_finite(self, groups: list[list[Tensor]]) -> Tensor:
        """Whether all of each group is finite in all processes, int32."""
        norms = [get_total_norm(group, torch.inf) for group in groups]
        device = self.thousandths.device
        are_finite = torch.stack([norm.to(device) for norm in norms]).isfinite().int()
        if distributed.is_initialized():
            distributed.all_reduce(are_finite, distributed.ReduceOp.MIN)
        return are_finite

    def _blocks(self) -> list[Block]:
        return cast("list[Block]", list(self._prior[0].blocks))

    def _branches(self) -> list[list[nn.Module]]:
        branches: list[list[nn.Module]] = []
        for block in self._blocks():
            branches += [[block.attention_norm, block.attention], [block.mlp_norm, block.mlp]]
        return branches

    def _others(self) -> list[nn.Module]:
        prior = self._prior[0]
        return [module for module in prior.children() if module is not prior.blocks]


class ScaledBranch:
    """Runs a branch in float16, with its gradient scaled.

    Args:
        scaling: has the scales, which may be others in the next update.
        number: of the branch among them.
    """

    def __init__(self, scaling: ResblockScaling, number: int) -> None:
        self._scaling, self._number = scaling, number

    def __call__(self, branch: Branch, x: Tensor) -> Tensor:
        """The branch's output as float32, given the float32 stream."""
        return run_scaled(branch, x, self._scaling.values()[self._number])


def run_scaled(branch: Branch, x: Tensor, scale: Tensor) -> Tensor:
    """Run a branch in float16, with its gradient times a scale; `x` and the output are float32."""
    with torch.autocast(x.device.type, torch.float16):
        out = branch(_UnscaledGradient.apply(x, scale))
    scaled: Tensor = _ScaledGradient.apply(out.float(), scale)
    return scaled


class _ScaledGradient(torch.autograd.Function):
    """Nothing forward; backward, the gradient times the scale."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(scale)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (scale,) = ctx.saved_tensors
        return gradient * scale, None


class _UnscaledGradient(torch.autograd.Function):
    """Nothing forward; backward, the gradient without what is not finite, over the scale."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(scale)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (scale,) = ctx.saved_tensors
        return gradient.where(gradient.isfinite(), 0) / scale, None


def _gradients(modules: list[nn.Module]) -> list[Tensor]:
    """This process's shares of the gradients that there are."""
    found = (w.grad for module in modules for w in module.parameters() if w.grad is not None)
    shares = (g.to_local() if isinstance(g, DTensor) else g for g in found)
    return [share for share in shares if share.numel()]


def _names(is_chosen_R: Tensor) -> list[str]:
    kinds = ("attention", "MLP")
    return [f"the {kinds[int(n) % 2]} of block {int(n) // 2 + 1}" for n in is_chosen_R.nonzero()]
