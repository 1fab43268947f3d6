"""The sizes of a VQGAN as frozen data, without torch."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from dalle_model.config import Resample

QuantizerName = Literal["nearest", "cosine", "gumbel", "fsq", "lfq"]
QUANTIZERS: tuple[QuantizerName, ...] = get_args(QuantizerName)
# Chosen: what both releases scale by blurs more than either filter here; this is the nearer one.
# Source: taming-transformers `taming/data/base.py`, albumentations' default, bilinear.
VQGAN_RESAMPLE: Resample = "bicubic"
VQGAN_RANGE = (-1.0, 1.0)  # Source: taming-transformers `taming/data/base.py`, `preprocess_image`
VQGAN_EPS = 1e-6  # Source: taming-transformers `diffusionmodules/model.py`, `Normalize`


@dataclass(frozen=True)
class VqganConfig:
    """Sizes of a VQGAN; most are named as in the release's `ddconfig`.

    Args:
        num_codes: entries of the codebook (`n_embed`).
        embed_dim: channels of its vectors.
        z_channels: channels of the feature map before them.
        ch: channels of the first layer; a multiple of 32, into which norms group them.
        ch_mult: by how much each level widens it; all but the last halve height and width.
        num_res_blocks: residual blocks of a level of the encoder; the decoder has one more.
        attn_levels: which levels attend, counted from that of the pixels.
        quantizer: how features become codes: the `nearest` vector, that of the largest `cosine`, or
            the largest logit (`gumbel`); or without a codebook, each channel rounded to one of some
            `levels` (`fsq`) or to its sign (`lfq`).
        image_shape: height and width of the images, in pixels; multiples of `factor`.
        levels: of `fsq`: values of each channel, 3 or more; their product is `num_codes`.
        norm_eps: what the variance of a group norm is raised by.
        pixel_range: lowest and highest value of pixels.
        has_encoder: whether there is one; without, it only decodes.

    Source: taming-transformers `configs/imagenet_vqgan.yaml`; the defaults are f16-16384.
    """

    num_codes: int = 16384
    embed_dim: int = 256
    z_channels: int = 256
    ch: int = 128
    ch_mult: tuple[int, ...] = (1, 1, 2, 2, 4)
    num_res_blocks: int = 2
    attn_levels: tuple[int, ...] = (4,)
    quantizer: QuantizerName = "nearest"
    image_shape: tuple[int, int] = (256, 256)
    levels: tuple[int, ...] = ()
    norm_eps: float = VQGAN_EPS
    pixel_range: tuple[float, float] = VQGAN_RANGE
    has_encoder: bool = True

    def __post_init__(self) -> None:
        for edge in self.image_shape:
            if edge < self.factor or edge % self.factor:
                raise ValueError(f"an edge is {edge} px, must be a multiple of {self.factor}")
        if self.quantizer not in QUANTIZERS:
            raise ValueError(f"quantizer {self.quantizer!r} is none of {', '.join(QUANTIZERS)}")
        if problem := self._odd_codes():
            raise ValueError(problem)

    def _odd_codes(self) -> str:
        """What is wrong with the codes of a quantizer without a codebook, if anything."""
        if self.quantizer == "fsq" and min(self.levels, default=0) < 3:
            return f"fsq has levels of 3 or more values, not {self.levels}"
        if self.levels and self.quantizer != "fsq":
            return f"{self.quantizer} has no levels"
        dim, codes = self.embed_dim, self.num_codes
        if self.quantizer == "fsq":
            dim, codes = len(self.levels), math.prod(self.levels)
        if self.quantizer == "lfq":
            codes = 1 << dim
        if (dim, codes) == (self.embed_dim, self.num_codes):
            return ""
        stated = f"{self.num_codes} codes of {self.embed_dim}"
        return f"{self.quantizer} of {dim} channels has {codes} codes, not {stated}"

    @property
    def factor(self) -> int:
        """Edge of the square that one token covers, in pixels."""
        return 1 << (len(self.ch_mult) - 1)

    @property
    def token_shape(self) -> tuple[int, int]:
        """Rows and columns of tokens."""
        height, width = self.image_shape
        return height // self.factor, width // self.factor

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values; the last three where they are not those of taming."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        usual = {"norm_eps": VQGAN_EPS, "pixel_range": list(VQGAN_RANGE), "has_encoder": True}
        return {k: v for k, v in values.items() if k not in usual or v != usual[k]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**given)
