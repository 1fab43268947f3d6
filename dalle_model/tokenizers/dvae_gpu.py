"""A dVAE's encoder on a graphics card: bytes go there, and codes alone come back.

Written after what CUDA and torch document, and tested on a CPU; it has not run on a card yet.
"""

import sys
from copy import deepcopy
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from dalle_model.config import LOGIT_LAPLACE_EPS
from dalle_model.pixels import Rgb
from dalle_model.tokenizers.devices import low_precision
from dalle_model.tokenizers.dvae import Encoder
from dalle_model.tokenizers.dvae_encoding import Best

# Shape letters: B batch, C colour channels (3), S S height and width in pixels, N channels of a
# feature map, K codes, G G = S / 8 rows and columns of tokens, R positions, F features of one.

_ROWS = 1 << 14  # of the logits at once; chosen: with 8,192 codes half a GB


class EncodingOnGpu:
    """A `dvae_codec.Encoding` on a graphics card; of equal logits any code may be taken.

    Args:
        encoder: which is copied to the device.
        device: of the copy.
        dtype: of the convolutions; the logits are summed in float32 whatever it is.
    """

    def __init__(
        self, encoder: Encoder, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self._encoder, self._device, self.dtype = encoder, device, dtype
        own = deepcopy(encoder).to(device)
        *trunk, output = own.blocks
        layers = nn.Sequential(*trunk, output.get_submodule("relu"))
        self._trunk = layers.to(dtype).to(memory_format=torch.channels_last)
        conv = output.get_submodule("conv")
        self._w_FK = conv.get_parameter("w").detach().flatten(1).T.to(dtype)
        self._b_K = conv.get_parameter("b").detach()

    @torch.inference_mode()
    def best(self, images: Rgb, *, with_margins: bool = False) -> Best:
        """The best codes of RGB uint8 `(B, S, S, 3)`, in raster order."""
        x_BNGG = self._trunk(self._mapped(images).to(self.dtype))
        tiles = x_BNGG.permute(0, 2, 3, 1).flatten(0, 2).split(_ROWS)
        return _joined([self._best_of_rows(x_RF, with_margins) for x_RF in tiles], with_margins)

    def images_at_once(self, _image_shape: tuple[int, int]) -> int:
        """All of a batch, so that none of them are encoded apart."""
        return sys.maxsize

    def in_fast_form(self) -> Self:
        """The same in bfloat16, where the card multiplies in it."""
        return type(self)(self._encoder, self._device, low_precision(self._device))

    def _mapped(self, images: Rgb) -> Tensor:
        """Mapped pixels float32 `(B, 3, S, S)`: a quarter of their bytes is what is copied."""
        on_cpu = torch.from_numpy(np.ascontiguousarray(images))
        pixels = on_cpu.to(self._device).permute(0, 3, 1, 2).float()
        return pixels.mul_((1 - 2 * LOGIT_LAPLACE_EPS) / 255).add_(LOGIT_LAPLACE_EPS)

    def _best_of_rows(self, x_RF: Tensor, with_margins: bool) -> tuple[Tensor, Tensor]:
        """Codes and logits `(R, 1)`, or `(R, 2)` with the second best."""
        logits_RK = _product(x_RF, self._w_FK).add_(self._b_K)
        logits, codes = logits_RK.topk(2) if with_margins else logits_RK.max(1, keepdim=True)
        return codes, logits


def _product(features_RF: Tensor, w_FK: Tensor) -> Tensor:
    """The product in float32: bfloat16 logits would be equal where the best differs by 0.4 %."""
    if features_RF.is_cuda and features_RF.dtype != torch.float32:
        return torch.mm(features_RF, w_FK, out_dtype=torch.float32)
    return torch.mm(features_RF.float(), w_FK.float())


def _joined(found: list[tuple[Tensor, Tensor]], with_margins: bool) -> Best:
    codes_R2, logits_R2 = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    margins = logits_R2[:, 0] - logits_R2[:, 1] if with_margins else None
    return Best(codes_R2[:, 0], logits_R2[:, 0], margins)
