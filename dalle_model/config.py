"""The sizes of the two models, as plain frozen data; the presets are the paper's and the demo's."""

from dataclasses import asdict, dataclass
from typing import Any, Self

LOGIT_LAPLACE_EPS = 0.1  # Source: openai/DALL-E `dall_e/utils.py`, `logit_laplace_eps`
PATCH = 8  # pixels along the edge of a dVAE's token: three poolings by two


@dataclass(frozen=True)
class DvaeConfig:
    """Sizes of OpenAI's dVAE.

    Args:
        side: edge of the square pictures, in pixels; a multiple of 8.
        num_codes: entries of the codebook.
        hidden: channels of the encoder's first group (`n_hid`); groups widen it by 1, 2, 4, 8.
        bottleneck: channels of the decoder's first layer (`n_init`).
        blocks_per_group: residual blocks in each of the four groups.
        patch_width: channels of a second path at the resolution of tokens, which can start from
            patch k-means; 0, as in the release, for none.
        patch_blocks: residual blocks of that path, on each side.

    Source: openai/DALL-E `dall_e/encoder.py`, `dall_e/decoder.py`; the defaults are the release.
    """

    side: int = 256
    num_codes: int = 8192
    hidden: int = 256
    bottleneck: int = 128
    blocks_per_group: int = 2
    patch_width: int = 0
    patch_blocks: int = 2

    def __post_init__(self) -> None:
        if self.side < PATCH or self.side % PATCH:
            raise ValueError(f"side is {self.side} px, must be a multiple of {PATCH}")

    @property
    def grid(self) -> int:
        """Tokens along one edge: three poolings by two make each token 8 pixels wide."""
        return self.side // PATCH

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From what `to_dict` gave."""
        return cls(**values)


@dataclass(frozen=True)
class DvaeTraining:
    """How a dVAE is trained; the defaults made the shipped demo weights.

    Args:
        updates: of the weights.
        batch: pictures in one update.
        seed: of the first weights, the order of the pictures, flips and noise.
        max_shift: pixels by which a picture is moved at random along each axis, its edge repeated;
            for the random crops of the paper's listing 1, which need larger pictures.
        step_size: of AdamW at the start, and at the end of a cosine over all updates.
        temperature: of the relaxation at the start, and at the end of a cosine over four fifths
            of the updates.
        kl_weight: of the divergence of the codes from uniform, once it has risen over
            `kl_updates`. Source of 6.6: Ramesh et al. 2021, appendix A.2.
        kl_updates: length of that rise; 5,000 in the paper.
        pixel_weight: of the mean squared error of mapped pixels, beside the logit-Laplace
            likelihood; 0 in the paper. The likelihood alone follows medians: 300 updates on
            slanted edges gained 4.2 dB over patch k-means with 2000, and nothing with 50.
        ema_decay: of the averaged weights, which are the ones kept.
        kmeans_iterations: for the codebook that a patch path starts from.
        kmeans_spread: variance of a pixel around its centroid that the first logits assume.
    """

    updates: int = 1800
    batch: int = 32
    seed: int = 0
    max_shift: int = 4
    step_size: tuple[float, float] = (2e-3, 1e-5)
    temperature: tuple[float, float] = (0.5, 1 / 16)
    kl_weight: float = 0.0
    kl_updates: int = 5000
    pixel_weight: float = 2000.0
    ema_decay: float = 0.998
    kmeans_iterations: int = 20
    kmeans_spread: float = 0.02

    def __post_init__(self) -> None:
        if min(self.updates, self.batch) < 1:
            raise ValueError("updates and batch must be at least 1")
        if min(*self.step_size, *self.temperature, self.kmeans_spread) <= 0:
            raise ValueError("step_size, temperature and kmeans_spread must be above 0")
        for name in ("seed", "max_shift", "kl_weight", "kl_updates", "pixel_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if not 0 <= self.ema_decay < 1:
            raise ValueError("ema_decay must be in [0, 1)")


@dataclass(frozen=True)
class PriorConfig:
    """Sizes of the autoregressive prior.

    Args:
        text_vocab: BPE vocabulary, special tokens included.
        text_len: text positions before the picture.
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
        """As JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From what `to_dict` gave."""
        return cls(**values)


DVAE_PRESETS = {
    "paper": DvaeConfig(),
    "demo": DvaeConfig(
        side=64, num_codes=1024, hidden=16, bottleneck=32, blocks_per_group=1, patch_width=256
    ),
}

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
