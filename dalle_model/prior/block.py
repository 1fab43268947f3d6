"""One layer of the prior: attention and MLP, each behind a layer norm, each added to the stream."""

import torch
from torch import Tensor, nn

from dalle_model.prior.attention import Attention, KeyValueCache
from dalle_model.prior.pattern import Pattern

# Shape letters: B batch, N positions, D model width.


class Gelu(nn.Module):
    """GELU as x * sigmoid(1.702 x). Source: Child et al. 2019, section 5."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """A pre-norm attention branch, then a pre-norm MLP branch of width 4 D.

    Source: Child et al. 2019, section 5; Ramesh et al. 2021, appendix B.1 and table 2.
    """

    def __init__(self, width: int, heads: int, pattern: Pattern) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, pattern)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), Gelu(), nn.Linear(4 * width, width))

    def forward(self, x_BND: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Process new positions of the stream; with a cache they attend to earlier ones too."""
        x_BND = x_BND + self.attention(self.attention_norm(x_BND), cache)
        out_BND: Tensor = x_BND + self.mlp(self.mlp_norm(x_BND))
        return out_BND
