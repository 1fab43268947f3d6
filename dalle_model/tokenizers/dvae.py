"""OpenAI's discrete VAE: an encoder to logits over codes, a decoder from codes to pixel statistics.

Modules and parameters are named as in the release, so that its state dicts load key by key.
Source: openai/DALL-E `dall_e/encoder.py`, `dall_e/decoder.py`, `dall_e/utils.py` (5be4b23).
"""

from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor, nn

from dalle_model.config import DvaeConfig
from dalle_model.pixels import Floats, Rgb, map_pixels, unmap_pixels
from dalle_model.tokenizers.layers import Block, Conv2d, looked_up

# Shape letters: B batch, C colour channels (3), K codes; S S height and width in pixels, and
# G G rows and columns of tokens, S / 8 each, which differ where images are not square.

GROUPS = 4
_WIDENING = (1, 2, 4, 8)


class Encoder(nn.Module):
    """From images to logits over codes.

    Args:
        config: sizes.
    """

    def __init__(self, config: DvaeConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden
        widths = [hidden, *(hidden * k for k in _WIDENING)]
        layers: OrderedDict[str, nn.Module] = OrderedDict(input=Conv2d(3, hidden, 7))
        for g in range(1, GROUPS + 1):
            pool = nn.MaxPool2d(2) if g < GROUPS else None
            layers[f"group_{g}"] = _group(config, widths[g - 1], widths[g], (3, 3, 3, 1), pool)
        layers["output"] = _output(widths[-1], config.num_codes, is_exact=True)
        self.blocks = nn.Sequential(layers)

    def forward(self, x_BCSS: Tensor) -> Tensor:
        """Logits `(B, K, G, G)` in float32 of pixels `(B, 3, S, S)` in [0.1, 0.9]."""
        _check(x_BCSS, 3, self.config.image_shape)
        logits_BKGG: Tensor = self.blocks(x_BCSS).float()
        return logits_BKGG


class Decoder(nn.Module):
    """From codes, one-hot or relaxed, to the two parameters of the logit-Laplace distribution.

    Args:
        config: sizes.
    """

    def __init__(self, config: DvaeConfig) -> None:
        super().__init__()
        self.config = config
        hidden, bottleneck = config.hidden, config.bottleneck
        widths = [bottleneck, *(hidden * k for k in reversed(_WIDENING))]
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            input=Conv2d(config.num_codes, bottleneck, 1, is_exact=True)
        )
        for g in range(1, GROUPS + 1):
            scale = nn.Upsample(scale_factor=2, mode="nearest") if g < GROUPS else None
            layers[f"group_{g}"] = _group(config, widths[g - 1], widths[g], (1, 3, 3, 3), scale)
        layers["output"] = _output(hidden, 2 * 3, is_exact=False)
        self.blocks = nn.Sequential(layers)

    def forward(self, z_BKGG: Tensor) -> tuple[Tensor, Tensor]:
        """Location and log-scale `(mu, ln b)`, each `(B, 3, S, S)` in float32."""
        _check(z_BKGG, self.config.num_codes, self.config.token_shape)
        mu_BCSS, ln_b_BCSS = self.blocks(z_BKGG).float().chunk(2, dim=1)
        return mu_BCSS, ln_b_BCSS

    def location(self, codes_BGG: Tensor) -> Tensor:
        """The location alone, `(B, 3, S, S)` in float32, of codes int64 `(B, G, G)`.

        What a 1x1 convolution makes of a one-hot vector is looked up; the vectors, 6 GB for 64
        images of the paper's size, are never made.
        """
        first, *rest = self.blocks
        x: Tensor = looked_up(first, codes_BGG)
        for layer in rest:
            x = layer(x)
        return x.float()[:, :3]


class Dvae(nn.Module):
    """An encoder and its decoder."""

    def __init__(self, config: DvaeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, x_BCSS: Tensor) -> Tensor:
        """Codes int64 `(B, G, G)`: the argmax of the logits, without noise.

        Source: Ramesh et al. 2021, section 2.2, footnote 6.
        """
        logits_BKGG: Tensor = self.encoder(x_BCSS)
        return logits_BKGG.argmax(dim=1)

    def decode(self, codes_BGG: Tensor) -> Tensor:
        """Mapped pixels `(B, 3, S, S)` in (0, 1): the sigmoid of the location."""
        return torch.sigmoid(self.decoder.location(codes_BGG))


def to_input(images: Rgb) -> Tensor:
    """Mapped pixels float32 `(B, 3, S, S)` of RGB uint8 `(B, S, S, 3)`."""
    mapped: Floats = map_pixels(images.astype(np.float32) / np.float32(255))
    return torch.from_numpy(np.ascontiguousarray(mapped.transpose(0, 3, 1, 2)))


def to_rgb(mapped_BCSS: Tensor) -> Rgb:
    """RGB uint8 `(B, S, S, 3)` of mapped pixels `(B, 3, S, S)`."""
    unmapped = unmap_pixels(mapped_BCSS.numpy().transpose(0, 2, 3, 1))
    return np.asarray(np.rint(unmapped * 255), np.uint8)


def _group(
    config: DvaeConfig, n_in: int, n_out: int, kernels: tuple[int, ...], scale: nn.Module | None
) -> nn.Sequential:
    post_gain = 1 / (GROUPS * config.blocks_per_group) ** 2
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for k in range(1, config.blocks_per_group + 1):
        layers[f"block_{k}"] = Block(n_in if k == 1 else n_out, n_out, kernels, post_gain)
    if scale is not None:
        layers["pool" if isinstance(scale, nn.MaxPool2d) else "upsample"] = scale
    return nn.Sequential(layers)


def _output(n_in: int, n_out: int, *, is_exact: bool) -> nn.Sequential:
    conv = Conv2d(n_in, n_out, 1, is_exact=is_exact)
    return nn.Sequential(OrderedDict(relu=nn.ReLU(), conv=conv))


def _check(x: Tensor, channels: int, shape: tuple[int, int]) -> None:
    if x.ndim != 4 or tuple(x.shape[1:]) != (channels, *shape):
        raise ValueError(
            f"got shape {tuple(x.shape)}, expected (B, {channels}, {shape[0]}, {shape[1]})"
        )
