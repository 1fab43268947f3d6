"""Two operations whose gradients are not their derivatives.

Source: Crowson's notebooks, `ReplaceGrad` and `ClampWithGrad`.
"""

from typing import Any

import torch
from torch import Tensor


class _ReplaceGradient(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, value: Tensor, _through: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]


class _ClampPassing(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,), (x,) = gradients, ctx.saved_tensors
        beyond = x - x.clamp(ctx.low, ctx.high)
        return gradient * (gradient * beyond >= 0), None, None


def with_gradient_of(value: Tensor, through: Tensor) -> Tensor:
    """`value` to the bit, with the gradient of `through`, of the same shape: straight-through."""
    replaced: Tensor = _ReplaceGradient.apply(value.detach(), through)
    return replaced


def clamp_passing(x: Tensor, low: float, high: float) -> Tensor:
    """`x` clamped; its gradient passes inside, and outside where a descent leads back."""
    clamped: Tensor = _ClampPassing.apply(x, low, high)
    return clamped
