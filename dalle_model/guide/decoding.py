"""The decoder of a codec as gradients pass through it: from a vector at each position to pixels.

All codecs of this package are one thing here. A code has a vector, of its codebook; a dVAE's is a
column of the decoder's first layer, a 1x1 convolution, whose result for weights that sum to one is
the mean of its columns by these weights.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from dalle_model.config import LOGIT_LAPLACE_EPS
from dalle_model.guide.gradients import clamp_passing
from dalle_model.tokenizers.codec import Codec, CodecError
from dalle_model.tokenizers.dvae import Decoder as DvaeDecoder
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.layers import looked_up
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_codec import VqganCodec

# Shape letters: C colour channels (3), S S height and width in pixels, G G rows and columns of
# tokens, E values of a vector, K codes.

Unit = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Decoding:
    """From vectors to pixels.

    Args:
        table: the vector of each code, float32 `(K, E)`.
        token_shape: rows and columns of tokens.
        unit: pixels `(1, 3, S, S)` of vectors `(1, E, G, G)`, where [0, 1] is what can be shown.
    """

    table: Tensor
    token_shape: tuple[int, int]
    unit: Unit

    def pixels(self, vectors_1EGG: Tensor) -> Tensor:
        """Pixels float32 `(1, 3, S, S)` in [0, 1] of vectors `(1, E, G, G)`; gradients pass."""
        return clamp_passing(self.unit(vectors_1EGG), 0, 1)

    def vectors(self, codes_GG: Tensor) -> Tensor:
        """Those of codes int64 `(G, G)`, as `(1, E, G, G)`."""
        return self.table[codes_GG].permute(2, 0, 1)[None]


def decoding_of(codec: Codec, device: torch.device) -> Decoding:
    """The decoder of a codec, its weights copied to a device.

    Raises:
        CodecError: it cannot decode, or no gradient passes through its decoder.
    """
    if codec.facts.encoder_only:
        raise CodecError(
            f"codec {codec.facts.name} cannot decode, so nothing can be drawn by it; name one that "
            "has a decoder, such as `demo`"
        )
    rows, columns = codec.facts.token_shape[:2]
    if isinstance(codec, DvaeCodec):
        table_KE, unit = _of_dvae(deepcopy(codec.model.decoder).to(device))
    elif isinstance(codec, VqCodec):
        table_KE, unit = _of_vq(deepcopy(codec.model).to(device))
    elif isinstance(codec, VqganCodec):
        table_KE, unit = _of_vqgan(deepcopy(codec.model).to(device))
    else:
        raise CodecError(
            f"no gradient passes through the decoder of codec {codec.facts.name}, which takes "
            "codes; name a dVAE, a VQ-VAE or a VQGAN, such as `demo`"
        )
    return Decoding(table_KE, (rows, columns), unit)


def _of_dvae(decoder: DvaeDecoder) -> tuple[Tensor, Unit]:
    first, *rest = decoder.blocks

    def unit(vectors_1EGG: Tensor) -> Tensor:
        x = vectors_1EGG
        for layer in rest:
            x = layer(x)
        return (torch.sigmoid(x[:, :3]) - LOGIT_LAPLACE_EPS) / (1 - 2 * LOGIT_LAPLACE_EPS)

    codes_K = torch.arange(decoder.config.num_codes, device=first.get_parameter("w").device)
    return looked_up(first, codes_K[None, None])[0, :, 0].T, unit


def _of_vq(model: Vq) -> tuple[Tensor, Unit]:
    return model.codebook, lambda vectors_1EGG: (model.decoder(vectors_1EGG) + 1) / 2


def _of_vqgan(model: Vqgan) -> tuple[Tensor, Unit]:
    def unit(vectors_1EGG: Tensor) -> Tensor:
        pixels_1CSS: Tensor = model.decoder(model.post_quant_conv(vectors_1EGG))
        return (pixels_1CSS + 1) / 2

    codes_K = torch.arange(model.config.num_codes, device=model.post_quant_conv.weight.device)
    return model.quantize.vectors(codes_K[None, None])[0, :, 0].T, unit
