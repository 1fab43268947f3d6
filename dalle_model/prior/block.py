"""One layer of the prior: attention and MLP, each behind a layer norm, each added to the stream."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor, nn

from dalle_model.prior.attention import Attention
from dalle_model.prior.cache import LayerCache
from dalle_model.prior.pattern import Pattern

# Shape letters: B batch, N positions, D model width.

Branch = Callable[[Tensor], Tensor]  # of the stream, to what is added to it
RunBranch = Callable[[Branch, Tensor], Tensor]


GELU_SLOPE = 1.702  # Source: Child et al. 2019, section 5


class Gelu(nn.Module):
    """GELU as x * sigmoid(1.702 x), with one tensor kept for the backward pass, in one kernel."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _Gelu.apply(x)
        return out


class _Gelu(torch.autograd.Function):
    """SiLU of a scaled input, scaled back; so its gradient is that of SiLU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        scaled = x * GELU_SLOPE
        ctx.save_for_backward(scaled)
        return F.silu(scaled).div_(GELU_SLOPE)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (scaled,) = ctx.saved_tensors
        out: Tensor = torch.ops.aten.silu_backward(gradient, scaled)
        return out


class Block(nn.Module):
    """A pre-norm attention branch, then a pre-norm MLP branch of width 4 D.

    `run_attention` and `run_mlp` may be replaced: what trains a prior in half precision scales the
    gradient of each branch.

    Source: Child et al. 2019, section 5; Ramesh et al. 2021, appendix B.1 and table 2.
    """

    def __init__(self, width: int, heads: int, pattern: Pattern) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, pattern)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), Gelu(), nn.Linear(4 * width, width))
        self.run_attention: RunBranch = run_as_is
        self.run_mlp: RunBranch = run_as_is

    def forward(self, x_BND: Tensor, cache: LayerCache | None = None) -> Tensor:
        """Process new positions of the stream; with a cache they attend to earlier ones too."""

        def attend(x_BND: Tensor) -> Tensor:
            out_BND: Tensor = self.attention(self.attention_norm(x_BND), cache)
            return out_BND

        def transform(x_BND: Tensor) -> Tensor:
            out_BND: Tensor = self.mlp(self.mlp_norm(x_BND))
            return out_BND

        x_BND = x_BND + self.run_attention(attend, x_BND)
        return x_BND + self.run_mlp(transform, x_BND)


def run_as_is(branch: Branch, x: Tensor) -> Tensor:
    """The output of a branch, and nothing else."""
    return branch(x)
