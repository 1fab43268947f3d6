"""The sizes of the two models as frozen data, with presets of the prior from the demo's to 12B."""

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

    Raises:
        ValueError: a size is not positive, leaves no room for a word, or is a kernel without a
            centre.

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

    def __post_init__(self) -> None:
        for name, size in asdict(self).items():
            if size < (least := _LEAST.get(name, 1)):
                raise ValueError(f"{name} is {size}, must be at least {least}")
        if self.conv_kernel % 2 == 0:
            raise ValueError(f"conv_kernel is {self.conv_kernel}, must be odd to have a centre")

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


_LEAST = {"text_len": 3}  # the start of text, a word, and the start of the image

# What each needs is a table in docs/training.md, which `dalle plan train` computes. Depth and width
# between the demo's and the paper's: of GPT-3, Brown et al. 2020, table 2.1, for `350m` (Medium);
# else chosen with heads of 64 as there, so that the matrices of the blocks are as many as the name.
PRIOR_PRESETS = {
    "demo": PriorConfig(  # 3M in blocks: minutes on one CPU core
        text_vocab=1024,
        text_len=16,
        image_vocab=1024,
        grid=8,
        layers=4,
        heads=4,
        head_dim=64,
        conv_kernel=5,
    ),
    "small": PriorConfig(layers=8, heads=8),  # 25M: one card, an hour
    "base": PriorConfig(layers=14, heads=12),  # 99M: one card, hours
    "350m": PriorConfig(layers=24, heads=16),  # 302M, with embeddings 352M: one card, a day
    "1.4b": PriorConfig(layers=24, heads=34),  # 1.36 billion: a machine of 8 cards, days
    "paper": PriorConfig(),  # 12.1 billion: a cluster; 1024 cards of 16 GB there
}
