"""Training in half precision: each residual branch has a scale of its own for its gradient.

The stream, and its gradient, stay in float32. On its way back the gradient that enters a branch is
multiplied by the branch's scale and goes through it in float16; what leaves it is made finite,
divided by the scale, and added to the stream's. So a branch that overflows loses its own update,
and no scale of the branches before it.

Source: Ramesh et al. 2021, section 2.4 and figure 4.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor

from dalle_model.prior.block import Block, Branch
from dalle_model.train.descent import DivergedError
from dalle_model.train.gradient_scales import GradientScales, first_scales

# Shape letters: R residual branches, two of each block.


class ResblockScaling:
    """The scales of a prior's branches, which it sets up to run in float16.

    Everything else of the prior, its embeddings, last norm and output layers, runs in float32 as
    long as no autocast is put around it.

    Args:
        blocks: of the prior, on the device on which it is trained.
        replicas: of the prior times the parts in which each has its share of the batch.
    """

    def __init__(self, blocks: list[Block], replicas: int) -> None:
        self._blocks, self._replicas = blocks, replicas
        self._scales = first_scales(2 * len(blocks))
        device = blocks[0].attention_norm.weight.device
        self._values_R = self._scales.values(replicas).to(device)
        for number, block in enumerate(blocks):
            block.run_attention = ScaledBranch(self._values_R[2 * number])
            block.run_mlp = ScaledBranch(self._values_R[2 * number + 1])

    @torch.no_grad()
    def settle(self) -> list[int]:
        """Divide the gradients of all branches by their scales, and set the next scales.

        Returns:
            Numbers of the branches whose gradients are not finite; if any, no update is taken.
            Every process gets the same.

        Raises:
            DivergedError: a gradient is not finite, and its scale cannot be any smaller.
        """
        gradients = [_gradients(modules) for modules in self._branches()]
        norms = [nn.utils.get_total_norm(branch, torch.inf) for branch in gradients]
        is_finite_R = torch.stack([norm.to(self._values_R.device) for norm in norms]).isfinite()
        if distributed.is_initialized():
            agreed_R = is_finite_R.int()
            distributed.all_reduce(agreed_R, distributed.ReduceOp.MIN)
            is_finite_R = agreed_R.bool()
        for branch, scale in zip(gradients, self._values_R, strict=True):
            for gradient in branch:
                gradient.div_(scale)
        return self._advance(is_finite_R.cpu())

    def state_dict(self) -> dict[str, Tensor]:
        """What a run goes on from, with another number of replicas too."""
        return dict(self._scales._asdict())

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""
        self._set(GradientScales(**tensors))

    def _advance(self, is_finite_R: Tensor) -> list[int]:
        if bool((exhausted_R := self._scales.exhausted(is_finite_R)).any()):
            raise DivergedError(
                f"the gradient of {_named(_numbers(exhausted_R)[0])} is not finite with the "
                "smallest scale that float16 is trained with; lower "
                "`prior.training.learning_rate`, or set `prior.training.precision` to bfloat16"
            )
        self._set(self._scales.after(is_finite_R))
        return _numbers(~is_finite_R)

    def _set(self, scales: GradientScales) -> None:
        self._scales = scales
        self._values_R.copy_(scales.values(self._replicas))

    def _branches(self) -> list[tuple[nn.Module, nn.Module]]:
        pairs = [
            ((block.attention_norm, block.attention), (block.mlp_norm, block.mlp))
            for block in self._blocks
        ]
        return [branch for pair in pairs for branch in pair]


class ScaledBranch:
    """Runs a branch in float16, with its gradient scaled.

    Args:
        scale: a float32 scalar, which may be changed between two updates.
    """

    def __init__(self, scale: Tensor) -> None:
        self.scale = scale

    def __call__(self, branch: Branch, x: Tensor) -> Tensor:
        """The branch's output as float32, given the float32 stream."""
        with torch.autocast(x.device.type, torch.float16):
            out = branch(_UnscaledGradient.apply(x, self.scale))
        scaled: Tensor = _ScaledGradient.apply(out.float(), self.scale)
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


def _gradients(modules: tuple[nn.Module, ...]) -> list[Tensor]:
    """This process's shares of the gradients that there are."""
    found = (w.grad for module in modules for w in module.parameters() if w.grad is not None)
    shares = (g.to_local() if isinstance(g, DTensor) else g for g in found)
    return [share for share in shares if share.numel()]


def _numbers(is_chosen_R: Tensor) -> list[int]:
    return [int(number) for number in is_chosen_R.nonzero()]


def _named(branch: int) -> str:
    return f"the {'MLP' if branch % 2 else 'attention'} of block {branch // 2 + 1}"
