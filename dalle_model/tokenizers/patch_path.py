"""A second path through a small dVAE, at token resolution; the release has none.

A small dVAE that starts from random weights uses only a handful of its codes. The linear parts of
this path can represent patch k-means exactly, so that training starts there. Its context covers the
neighbouring tokens at a hundredth of the cost of the full-resolution trunk. In the decoder it
learns what k-means cannot: edges that continue across patches. In the encoder it decides next to
nothing (dalle_model/weights/README.md), since the logits of k-means dwarf what it adds.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.config import PATCH, DvaeConfig
from dalle_model.tokenizers.layers import Block, Conv2d, looked_up

# Shape letters: B batch, C colour channels (3), S side in pixels, K codes, G = S / 8 grid side.

PATCH_VALUES = 3 * PATCH**2
_KERNELS = (1, 3, 3, 1)
_POST_GAIN = 1.0  # chosen: with 1/64, as in the release, the context's gradient starts near zero


class PatchEncoder(nn.Module):
    """Logits `(B, K, G, G)` of pixels `(B, 3, S, S)`: linear in the patch, plus its context."""

    def __init__(self, config: DvaeConfig) -> None:
        super().__init__()
        self.linear = Conv2d(PATCH_VALUES, config.num_codes, 1)
        self.context = _context(PATCH_VALUES, config, config.num_codes)

    def forward(self, x_BCSS: Tensor) -> Tensor:
        """Logits in float32."""
        patches = functional.pixel_unshuffle(x_BCSS, PATCH)
        with torch.autocast(x_BCSS.device.type, enabled=False):  # bfloat16 confuses similar codes
            linear_BKGG: Tensor = self.linear(patches)
        context_BKGG: Tensor = self.context(patches)
        return linear_BKGG + context_BKGG.float()


class PatchDecoder(nn.Module):
    """Location `(B, 3, S, S)` of codes `(B, K, G, G)`: a patch for each code, plus its context."""

    def __init__(self, config: DvaeConfig) -> None:
        super().__init__()
        self.linear = Conv2d(config.num_codes, PATCH_VALUES, 1)
        self.context = _context(config.num_codes, config, PATCH_VALUES)

    def forward(self, z_BKGG: Tensor) -> Tensor:
        """Location in float32."""
        patches: Tensor = self.linear(z_BKGG).float() + self.context(z_BKGG).float()
        return functional.pixel_shuffle(patches, PATCH)

    def of_codes(self, codes_BGG: Tensor) -> Tensor:
        """The same of codes int64 `(B, G, G)`, without their one-hot vectors."""
        first, *rest = self.context
        x: Tensor = looked_up(first, codes_BGG)
        for layer in rest:
            x = layer(x)
        patches = looked_up(self.linear, codes_BGG).float() + x.float()
        return functional.pixel_shuffle(patches, PATCH)


def _context(n_in: int, config: DvaeConfig, n_out: int) -> nn.Sequential:
    width = config.patch_width
    layers: OrderedDict[str, nn.Module] = OrderedDict(input=Conv2d(n_in, width, 1))
    for k in range(1, config.patch_blocks + 1):
        layers[f"block_{k}"] = Block(width, width, _KERNELS, _POST_GAIN)
    layers["relu"] = nn.ReLU()
    layers["output"] = Conv2d(width, n_out, 1)
    return nn.Sequential(layers)
