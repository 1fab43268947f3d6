"""A dVAE's encoder on a graphics card: bytes go there, and codes alone come back.

Written after what CUDA and torch document, and tested on a CPU; it has not run on a card yet.
"""

import sys
from copy import deepcopy
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.config import LOGIT_LAPLACE_EPS, PATCH
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
        outputs = [output.get_submodule("conv")]
        self._trunk = self._laid_out(*trunk, output.get_submodule("relu"))
        self._context = self._linear = None
        if own.patch is not None:
            *context, last = own.patch.context
            self._context, self._linear = self._laid_out(*context), own.patch.linear
            outputs.append(last)
        weights = [conv.get_parameter("w").detach().flatten(1) for conv in outputs]
        self._w_FK = torch.cat(weights, dim=1).T.to(dtype)
        self._b_K = torch.stack([conv.get_parameter("b").detach() for conv in outputs]).sum(0)

    def _laid_out(self, *layers: nn.Module) -> nn.Sequential:
        return nn.Sequential(*layers).to(self.dtype).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def best(self, images: Rgb, *, with_margins: bool = False) -> Best:
        """The best codes of RGB uint8 `(B, S, S, 3)`, in raster order."""
        x_BCSS = self._mapped(images)
        maps = [self._trunk(x_BCSS.to(self.dtype))]
        linear_RK = None
        if self._context is not None and self._linear is not None:
            patches = functional.pixel_unshuffle(x_BCSS, PATCH)
            maps.append(self._context(patches.to(self.dtype)))
            linear_RK = _rows(self._linear(patches))
        features_RF = torch.cat([_rows(x) for x in maps], dim=1)
        found = [
            self._best_of_rows(slice(n, n + _ROWS), features_RF, linear_RK, with_margins)
            for n in range(0, len(features_RF), _ROWS)
        ]
        return _joined(found, with_margins)

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

    def _best_of_rows(
        self, rows: slice, features_RF: Tensor, linear_RK: Tensor | None, with_margins: bool
    ) -> tuple[Tensor, Tensor]:
        """Codes and logits `(rows, 1)`, or `(rows, 2)` with the second best."""
        logits_RK = _product(features_RF[rows], self._w_FK).add_(self._b_K)
        if linear_RK is not None:
            logits_RK.add_(linear_RK[rows])
        logits, codes = logits_RK.topk(2) if with_margins else logits_RK.max(1, keepdim=True)
        return codes, logits


def _product(features_RF: Tensor, w_FK: Tensor) -> Tensor:
    """The product in float32: bfloat16 logits would be equal where the best differs by 0.4 %."""
    if features_RF.is_cuda and features_RF.dtype != torch.float32:
        return torch.mm(features_RF, w_FK, out_dtype=torch.float32)
    return torch.mm(features_RF.float(), w_FK.float())


def _rows(x_BNGG: Tensor) -> Tensor:
    return x_BNGG.permute(0, 2, 3, 1).flatten(0, 2)


def _joined(found: list[tuple[Tensor, Tensor]], with_margins: bool) -> Best:
    codes_R2, logits_R2 = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    margins = logits_R2[:, 0] - logits_R2[:, 1] if with_margins else None
    return Best(codes_R2[:, 0], logits_R2[:, 0], margins)
