"""The two layers of OpenAI's dVAE. Source: openai/DALL-E `dall_e/utils.py`, `dall_e/encoder.py`."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

# Shape letters: B batch, N channels of a feature map, H and W its height and width.


class Conv2d(nn.Module):
    """Convolution with the parameter names and initial values, N(0, 1 / fan-in), of the release.

    Args:
        n_in: channels of the input.
        n_out: channels of the output.
        kernel: edge in pixels; odd.
        is_exact: whether it multiplies in the type of its weights where others are in a shorter
            one, as with the release's `use_float16=False`.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, *, is_exact: bool = False) -> None:
        super().__init__()
        self.kernel, self.is_exact = kernel, is_exact
        self.w = nn.Parameter(torch.empty(n_out, n_in, kernel, kernel))
        self.b = nn.Parameter(torch.zeros(n_out))
        nn.init.normal_(self.w, std=(n_in * kernel**2) ** -0.5)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same height and width, `n_out` channels."""
        if not self.is_exact:
            return self._convolved(x_BNHW)
        with torch.autocast(x_BNHW.device.type, enabled=False):
            return self._convolved(x_BNHW.to(self.w.dtype))

    def _convolved(self, x_BNHW: Tensor) -> Tensor:
        y_BNHW: Tensor = functional.conv2d(x_BNHW, self.w, self.b, padding=(self.kernel - 1) // 2)
        return y_BNHW


def looked_up(conv: nn.Module, codes_BHW: Tensor) -> Tensor:
    """What a 1x1 convolution makes of the one-hot vectors of codes int64 `(B, H, W)`.

    Returns:
        `(B, n_out, H, W)`.
    """
    table = conv.get_parameter("w").flatten(1).T + conv.get_parameter("b")
    return functional.embedding(codes_BHW, table).permute(0, 3, 1, 2).contiguous()


class Block(nn.Module):
    """Bottleneck residual block: `id + post_gain * res`, relu before each of four convolutions."""

    def __init__(self, n_in: int, n_out: int, kernels: tuple[int, ...], post_gain: float) -> None:
        super().__init__()
        hidden = n_out // 4
        widths = (n_in, hidden, hidden, hidden, n_out)
        self.post_gain = post_gain
        self.id_path = Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i, kernel in enumerate(kernels, start=1):
            layers[f"relu_{i}"] = nn.ReLU()
            layers[f"conv_{i}"] = Conv2d(widths[i - 1], widths[i], kernel)
        self.res_path = nn.Sequential(layers)

    def forward(self, x_BNHW: Tensor) -> Tensor:
        """Same height and width, `n_out` channels."""
        identity_BNHW: Tensor = self.id_path(x_BNHW)
        residual_BNHW: Tensor = self.res_path(x_BNHW)
        return identity_BNHW + self.post_gain * residual_BNHW
