"""The sizes of the two models as frozen data, with presets for the paper and for the demo."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

LOGIT_LAPLACE_EPS = 0.1  # Source: openai/DALL-E `dall_e/utils.py`, `logit_laplace_eps`
# The filters by which images are scaled down: `dalle_model.resize`.
Resample = Literal["bicubic", "lanczos"]
RESAMPLES: tuple[Resample, ...] = get_args(Resample)
# Of a codec whose checkpoint names none. Source: openai/DALL-E `notebooks/usage.ipynb`,
# `preprocess`, for the released dVAE.
FIRST_RESAMPLE: Resample = "lanczos"
PATCH = 8  # edge of the square that one dVAE token covers, in pixels: three poolings by two


@dataclass(frozen=True)
class DvaeConfig:
    """Sizes of OpenAI's dVAE.

    Args:
        side: edge of square images, and height of others, in pixels; a multiple of 8.
        num_codes: entries of the codebook.
        hidden: channels of the encoder's first group (`n_hid`); groups widen it by 1, 2, 4, 8.
        bottleneck: channels of the decoder's first layer (`n_init`).
        blocks_per_group: residual blocks in each of the four groups.
        image_width: of images that are not square, in pixels; a multiple of 8. None for squares.

    Source: openai/DALL-E `dall_e/encoder.py`, `dall_e/decoder.py`; the defaults are the release.
    """

    side: int = 256
    num_codes: int = 8192
    hidden: int = 256
    bottleneck: int = 128
    blocks_per_group: int = 2
    image_width: int | None = None

    def __post_init__(self) -> None:
        for name, edge in zip(("side", "image_width"), self.image_shape, strict=True):
            if edge < PATCH or edge % PATCH:
                raise ValueError(f"{name} is {edge} px, must be a multiple of {PATCH}")

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.side, self.side if self.image_width is None else self.image_width

    @property
    def token_shape(self) -> tuple[int, int]:
        """Rows and columns of tokens: three poolings by two make each 8 pixels wide."""
        height, width = self.image_shape
        return height // PATCH, width // PATCH

    @property
    def grid(self) -> int:
        """Tokens along one edge of a square; raises ValueError where images are none."""
        rows, columns = self.token_shape
        if rows != columns:
            raise ValueError(f"{rows} x {columns} tokens are no square")
        return rows

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON-ready values; without `image_width`, as ever, for squares."""
        values = asdict(self)
        if self.image_width is None:
            del values["image_width"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**values)


@dataclass(frozen=True)
class PriorConfig:
    """Sizes of the autoregressive prior.

    Args:
        text_vocab: BPE vocabulary, special tokens included.
        text_len: text positions before the image.
        image_vocab: codes of the dVAE.
        grid: image tokens along one edge.
        layers: attention layers; each is followed by an MLP of width `4 * width`.
        heads: attention heads.
        head_dim: channels of one head.
        conv_kernel: edge of the last layer's causal convolutional mask, in tokens; odd.

    Source: Ramesh et al. 2021, section 2.2 and appendix B.1; the defaults are the 12B model.
    """

    text_vocab: int = 16384
    text_len: int = 256
    image_vocab: int = 8192
    grid: int = 32
    layers: int = 64
    heads: int = 62
    head_dim: int = 64
    conv_kernel: int = 11

    @property
    def width(self) -> int:
        """Channels of the residual stream."""
        return self.heads * self.head_dim

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**values)


PRIOR_PRESETS = {
    "paper": PriorConfig(),
    "demo": PriorConfig(
        text_vocab=1024,
        text_len=16,
        image_vocab=1024,
        grid=8,
        layers=4,
        heads=4,
        head_dim=64,
        conv_kernel=5,
    ),
}
