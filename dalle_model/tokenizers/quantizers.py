"""From features to codes and back: the ways in which a `Vqgan` does it, one class each.

A quantizer has `codes`, from features `(B, E, G, G)` to int64 `(B, G, G)`, and `vectors`, the
inverse up to what was lost. Both are deterministic: noise is for training.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.tokenizers.vqgan_config import VqganConfig

# Shape letters: B batch, G rows and columns of tokens, E channels of a vector, K codes.


_MARGIN = 1e-3  # Source: `vector-quantize-pytorch`, `FSQ.bound`, `eps`


class Quantizer(Protocol):
    """What `Vqgan` needs of one."""

    def codes(self, z_BEGG: Tensor) -> Tensor:
        """Codes int64 `(B, G, G)` of features."""
        ...

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """What a decoder is given for codes, `(B, E, G, G)`."""
        ...


class NearestVector(nn.Module):
    """The vector of a codebook that is nearest.

    Source: taming-transformers `taming/modules/vqvae/quantize.py`, `VectorQuantizer2`: the sum of
    terms by which it measures distance, and its order, are kept, since near-ties depend on them.
    """

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.num_codes, config.embed_dim)

    def codes(self, z_BEGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        return self._codes(z_BEGG, self.embedding.weight)

    def _codes(self, z_BEGG: Tensor, weight_KE: Tensor) -> Tensor:
        z_BGGE = z_BEGG.permute(0, 2, 3, 1).contiguous()
        z_ME = z_BGGE.view(-1, weight_KE.shape[1])
        lengths_MK = z_ME.square().sum(1, keepdim=True) + weight_KE.square().sum(1)
        distance_MK = lengths_MK - 2 * (z_ME @ weight_KE.T)
        return distance_MK.argmin(1).view(z_BGGE.shape[:3])

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        vectors_BGGE: Tensor = self.embedding(codes_BGG)
        return vectors_BGGE.permute(0, 3, 1, 2)


class NearestDirection(NearestVector):
    """The vector of a codebook of the nearest direction; lengths count neither there nor after.

    Source: LlamaGen `tokenizer/tokenizer_image/vq_model.py`, `VectorQuantizer` with `l2_norm`.
    """

    def codes(self, z_BEGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        return self._codes(functional.normalize(z_BEGG, dim=1), self._directions())

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        return self._directions()[codes_BGG].permute(0, 3, 1, 2)

    def _directions(self) -> Tensor:
        return functional.normalize(self.embedding.weight, dim=1)


class LargestLogit(nn.Module):
    """The largest of K logits, as of a Gumbel-softmax without its noise.

    Source: taming-transformers `taming/modules/vqvae/quantize.py`, `GumbelQuantize`, which draws
    noise when it encodes, too, so that its codes differ from call to call; ours do not.
    """

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.z_channels, config.num_codes, 1)
        self.embed = nn.Embedding(config.num_codes, config.embed_dim)

    def codes(self, z_BEGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        logits_BKGG: Tensor = self.proj(z_BEGG)
        return logits_BKGG.argmax(1)

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        vectors_BGGE: Tensor = self.embed(codes_BGG)
        return vectors_BGGE.permute(0, 3, 1, 2)


class RoundedChannels(nn.Module):
    """Each channel squeezed by tanh into as many values as it has levels, and rounded.

    The first channel counts least in a code. What a decoder is given lies in [-1, 1].
    Source: Mentzer et al. 2023, section 3.1 and appendix A.1; the bound is that of PyPI
    `vector-quantize-pytorch`, `FSQ`, which the paper's own code differs from in two constants.
    """

    levels: Tensor
    basis: Tensor

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        levels = torch.tensor(config.levels)
        basis = torch.cat([torch.ones(1, dtype=torch.int64), levels[:-1].cumprod(0)])
        self.register_buffer("levels", levels, persistent=False)
        self.register_buffer("basis", basis, persistent=False)

    def codes(self, z_BEGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        levels_E = self.levels
        half_E = (levels_E - 1) * (1 + _MARGIN) / 2
        offset_E = torch.where(levels_E % 2 == 0, 0.5, 0.0)
        shift_E = torch.atanh(offset_E / half_E)
        bounded_BGGE = torch.tanh(z_BEGG.movedim(1, -1) + shift_E) * half_E - offset_E
        values_BGGE = bounded_BGGE.round().long() + levels_E // 2
        return (values_BGGE * self.basis).sum(-1)

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        half_E = self.levels // 2
        values_BGGE = codes_BGG[..., None] // self.basis % self.levels
        return ((values_BGGE - half_E) / half_E).movedim(-1, 1)


class Signs(nn.Module):
    """Each channel's sign is a bit of the code, the first channel's the highest.

    Source: Yu et al. 2023 (MAGVIT-v2), section 3.1; the order of the bits is that of PyPI
    `vector-quantize-pytorch`, `LFQ`.
    """

    bits: Tensor

    def __init__(self, config: VqganConfig) -> None:
        super().__init__()
        bits = 1 << torch.arange(config.embed_dim - 1, -1, -1)
        self.register_buffer("bits", bits, persistent=False)

    def codes(self, z_BEGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        return ((z_BEGG.movedim(1, -1) > 0) * self.bits).sum(-1)

    def vectors(self, codes_BGG: Tensor) -> Tensor:
        """As `Quantizer`."""
        signs_BGGE = torch.where((codes_BGG[..., None] & self.bits) != 0, 1.0, -1.0)
        return signs_BGGE.movedim(-1, 1)


AnyQuantizer = NearestVector | LargestLogit | RoundedChannels | Signs
_QUANTIZERS: dict[str, type[AnyQuantizer]] = {
    "nearest": NearestVector,
    "cosine": NearestDirection,
    "gumbel": LargestLogit,
    "fsq": RoundedChannels,
    "lfq": Signs,
}


def quantizer(config: VqganConfig) -> AnyQuantizer:
    """The quantizer that a config names."""
    return _QUANTIZERS[config.quantizer](config)
