"""The layers of DALL·E mini: attention, a gated linear unit, and the norms around them."""

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor, nn

# Shape letters: B batch, N positions that ask, M positions that are read, D model width, H heads,
# K channels of one head, E channels within the gated linear unit.

EPS = 1e-5  # Source: dalle-mini `model/modeling.py`, `epsilon` of each norm

KeysValues = tuple[Tensor, Tensor]


class Norm(nn.Module):
    """A layer norm that has a shift always, and a scale where asked.

    Args:
        width: channels.
        scales: whether it has a scale.
    """

    def __init__(self, width: int, scales: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width)) if scales else None
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape, normed over the last dimension."""
        return F.layer_norm(x, self.bias.shape, self.weight, self.bias, EPS)


class Attention(nn.Module):
    """Multi-head attention without biases, whose keys and values can be made once and read often.

    Args:
        width: channels of what asks and of what is read, a multiple of `heads`.
        heads: attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def keys_values(self, x_BMD: Tensor) -> KeysValues:
        """What of `x_BMD` is read: keys and values `(B, H, M, K)`."""
        return self._split(self.key(x_BMD)), self._split(self.value(x_BMD))

    def forward(
        self,
        x_BND: Tensor,
        read: KeysValues,
        mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Mix values for each position that asks.

        Args:
            x_BND: what asks.
            read: of `keys_values`.
            mask: bool, broadcast to `(B, H, N, M)`: what may be read. None for all.
            is_causal: whether position n reads the first n + 1 alone; without a mask.

        Returns:
            `(B, N, D)`.
        """
        keys_BHMK, values_BHMK = read
        mixed_BHNK = F.scaled_dot_product_attention(
            self._split(self.query(x_BND)), keys_BHMK, values_BHMK, mask, is_causal=is_causal
        )
        mixed_BND: Tensor = self.output(mixed_BHNK.transpose(1, 2).reshape(x_BND.shape))
        return mixed_BND

    def _split(self, x_BND: Tensor) -> Tensor:
        return x_BND.view(*x_BND.shape[:2], self.heads, -1).transpose(1, 2)


class GatedMlp(nn.Module):
    """A gated linear unit between two layer norms, the second one right before the last matrix.

    Source: Shazeer 2020, "GLU variants improve transformer", GEGLU; Shleifer et al. 2021,
    "NormFormer"; GELU by the error function, as `gelu` of the release is.
    """

    def __init__(self, width: int, inner: int, scales: bool) -> None:
        super().__init__()
        self.norm = Norm(width, scales)
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.inner_norm = Norm(inner, scales)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x_BND: Tensor) -> Tensor:
        """Same shape."""
        x_BND = self.norm(x_BND)
        gated_BNE = F.gelu(self.gate(x_BND)) * self.up(x_BND)
        out_BND: Tensor = self.down(self.inner_norm(gated_BNE))
        return out_BND
