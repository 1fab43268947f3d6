"""A dVAE's encoder as it runs after training: the function of `dvae.Encoder`, laid out for speed.

Channels lie last. Relu and the sum with the identity are done within the convolutions, which may
change the last bit of a logit. The logits are never whole: each tile of the codebook leaves its
best code. Large images are encoded one by one, so that memory does not grow with the batch.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.pixels import Floats, Rgb
from dalle_model.tokenizers.chunks import images_at_once
from dalle_model.tokenizers.devices import low_precision, multiplies_bfloat16
from dalle_model.tokenizers.dvae import Encoder, to_input
from dalle_model.tokenizers.layers import Block, Conv2d

# Shape letters: B batch, C colour channels (3), S S height and width in pixels, N channels of a
# feature map, H, W its height and width, K codes, G G = S / 8 rows and columns of tokens, R = B * G
# * G positions, F features of one.

_ROWS = _CODES = 1024  # of a tile of logits; chosen: its 4 MB stay in the cache of one core


@dataclass(frozen=True)
class Best:
    """The best code of each position.

    Args:
        codes: int64 `(R,)`, the first one where several are best.
        logits: float32 `(R,)`, of these codes.
        margins: float32 `(R,)`, by how much the logit exceeds the second best; None where not
            asked for.
    """

    codes: NDArray[np.int64]
    logits: Floats
    margins: Floats | None


class DvaeEncoding:
    """A `dvae_codec.Encoding` on the processor.

    Args:
        encoder: whose weights are used; those whose channels lie last are not copied.
        dtype: of the convolutions, float32 or bfloat16. The last layer is always in float32, as in
            the release. Source: openai/DALL-E `dall_e/encoder.py`, `use_float16=False`.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype = torch.float32) -> None:
        self._encoder, self.dtype = encoder, dtype
        self._trunk = _Layers.of(encoder.blocks, dtype)
        self._output = _Output(encoder.blocks.get_submodule("output.conv"))

    @torch.inference_mode()
    def best(self, images: Rgb, *, with_margins: bool = False) -> Best:
        """The best codes of RGB uint8 `(B, S, S, 3)`, in raster order."""
        _, height, width, _ = images.shape
        parts = torch.split(to_input(images), self.images_at_once((height, width)))
        return _joined([found for part in parts for found in self._tiles(part, with_margins)])

    def images_at_once(self, image_shape: tuple[int, int]) -> int:
        """How many images of a height and width, in pixels, go through the convolutions at once."""
        return images_at_once(self._trunk.width, image_shape, self.dtype.itemsize)

    def in_fast_form(self) -> Self:
        """The same in bfloat16 where the processor multiplies in it."""
        return type(self)(self._encoder, low_precision())

    def _tiles(self, x_BCSS: Tensor, with_margins: bool) -> list[Best]:
        features_RF = self._trunk(x_BCSS.to(self.dtype))
        tiles = torch.split(features_RF, _ROWS)
        return [_best_of_rows(tile_RF, self._output, with_margins) for tile_RF in tiles]


class _Conv:
    """A convolution that may end in a relu, or in a sum."""

    def __init__(self, conv: Conv2d, dtype: torch.dtype, gain: float = 1.0) -> None:
        weight = conv.w.detach() if gain == 1 else conv.w.detach() * gain
        self._w = weight.to(dtype, memory_format=torch.channels_last)
        self._b = (conv.b.detach() * gain).to(dtype)
        self.width = len(weight)
        self._padding = (conv.kernel - 1) // 2
        self._is_fused = _is_fused(dtype)

    def __call__(self, x_BNHW: Tensor) -> Tensor:
        return functional.conv2d(x_BNHW, self._w, self._b, padding=self._padding)

    def relu(self, x_BNHW: Tensor) -> Tensor:
        """The relu of the result."""
        if not self._is_fused:
            return self(x_BNHW).relu_()
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x_BNHW, self._w, self._b, *self._geometry, "relu", [], ""
        )
        return result

    def add_to(self, other_BNHW: Tensor, x_BNHW: Tensor) -> Tensor:
        """The sum of the result with another map, which it replaces."""
        if not self._is_fused:
            return other_BNHW.add_(self(x_BNHW))
        result: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            other_BNHW, x_BNHW, self._w, self._b, *self._geometry, "add", 1.0, None, [], None
        )
        return result

    @property
    def _geometry(self) -> tuple[Any, ...]:
        """Padding, stride, dilation and groups."""
        return [self._padding] * 2, [1, 1], [1, 1], 1


class _Block:
    """A `layers.Block`. Its gain is part of the last weights: a power of two changes no bit."""

    def __init__(self, block: Block, dtype: torch.dtype) -> None:
        identity, path = block.id_path, block.res_path
        self._identity = _Conv(identity, dtype) if isinstance(identity, Conv2d) else None
        *inner, last = (layer for layer in path if isinstance(layer, Conv2d))
        self._inner = [_Conv(layer, dtype) for layer in inner]
        self._last = _Conv(last, dtype, block.post_gain)

    def __call__(self, x_BNHW: Tensor) -> Tensor:
        residual = x_BNHW.relu()
        for conv in self._inner:
            residual = conv.relu(residual)
        identity = x_BNHW if self._identity is None else self._identity(x_BNHW)
        return self._last.add_to(identity, residual)


class _Layers:
    """Convolution, blocks, poolings and a relu; then one row of features a position, in float32."""

    def __init__(self, first: _Conv, rest: list[_Block | nn.MaxPool2d]) -> None:
        self._first, self._rest = first, rest
        self.width = first.width  # in channels, of the map of most bytes

    @classmethod
    def of(cls, layers: nn.Sequential, dtype: torch.dtype) -> Self:
        """All layers before the output."""
        leaves = _leaves(layers)
        first = next(layer for layer in leaves if isinstance(layer, Conv2d))
        rest = [
            _Block(layer, dtype) if isinstance(layer, Block) else layer
            for layer in leaves
            if isinstance(layer, Block | nn.MaxPool2d)
        ]
        return cls(_Conv(first, dtype), rest)

    def __call__(self, x_BCSS: Tensor) -> Tensor:
        x = self._first(x_BCSS.contiguous(memory_format=torch.channels_last))
        for layer in self._rest:
            x = layer(x)
        return _rows(x.relu_()).float()


def _leaves(layers: nn.Sequential) -> list[nn.Module]:
    """The layers of nested sequences, in order; blocks are whole."""
    found: list[nn.Module] = []
    for layer in layers:
        found += _leaves(layer) if isinstance(layer, nn.Sequential) else [layer]
    return found


class _Output:
    """The last 1x1 convolution, as a matrix."""

    def __init__(self, conv: nn.Module) -> None:
        self._w_KF = conv.get_parameter("w").detach().flatten(1)
        self._b_K = conv.get_parameter("b").detach()
        self.num_codes = len(self._b_K)

    def __call__(self, features_RF: Tensor, codes: slice) -> Floats:
        logits_RK = functional.linear(features_RF, self._w_KF[codes], self._b_K[codes])
        return np.asarray(logits_RK.numpy())


def _rows(x_BNGG: Tensor) -> Tensor:
    return x_BNGG.permute(0, 2, 3, 1).flatten(0, 2)


def _best_of_rows(features_RF: Tensor, output: _Output, with_margins: bool) -> Best:
    starts = range(0, output.num_codes, _CODES)
    tiles = (slice(n, min(n + _CODES, output.num_codes)) for n in starts)
    found = (
        _best_of_tile(output(features_RF, codes), codes.start, with_margins) for codes in tiles
    )
    return reduce(_better, found)


def _best_of_tile(logits_RK: Floats, first_code: int, with_margins: bool) -> Best:
    codes = logits_RK.argmax(axis=1)  # vectorised, where torch's own takes five times as long
    rows = np.arange(len(codes))
    best, margins = logits_RK[rows, codes], None
    if with_margins:
        logits_RK[rows, codes] = -np.inf
        margins = best - logits_RK.max(axis=1)
    return Best(codes + first_code, best, margins)


def _better(one: Best, other: Best) -> Best:
    """The better of two, the first where both are equal."""
    is_other = other.logits > one.logits
    codes = np.where(is_other, other.codes, one.codes)
    logits = np.where(is_other, other.logits, one.logits)
    if one.margins is None or other.margins is None:
        return Best(codes, logits, None)
    lead = np.abs(one.logits - other.logits)
    return Best(codes, logits, np.minimum(lead, np.where(is_other, other.margins, one.margins)))


def _joined(found: list[Best]) -> Best:
    margins = [part.margins for part in found if part.margins is not None]
    return Best(
        np.concatenate([part.codes for part in found]),
        np.concatenate([part.logits for part in found]),
        np.concatenate(margins) if margins else None,
    )


def _is_fused(dtype: torch.dtype) -> bool:
    """Whether this build of torch, and this processor, can end a convolution in more."""
    has_them = hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    return has_them and (dtype == torch.float32 or multiplies_bfloat16())
