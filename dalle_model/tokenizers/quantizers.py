"""From features to codes and back: the ways in which a `Vqgan` does it, one class each.

A quantizer has `codes`, from features `(B, E, G, G)` to int64 `(B, G, G)`, and `vectors`, the
inverse up to what was lost. Both are deterministic: noise is for training.
"""

from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional

from dalle_model.tokenizers.vqgan_config import VqganConfig

# Shape letters: B batch, G rows and columns of tokens, E channels of a vector, K codes.


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


_QUANTIZERS: dict[str, type[NearestVector | LargestLogit]] = {
    "nearest": NearestVector,
    "cosine": NearestDirection,
    "gumbel": LargestLogit,
}


def quantizer(config: VqganConfig) -> NearestVector | LargestLogit:
    """The quantizer that a config names."""
    return _QUANTIZERS[config.quantizer](config)
