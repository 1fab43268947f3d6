"""How to train and how to sample: settings as plain data, apart from the torch that obeys them."""

from dataclasses import dataclass
from typing import Literal


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


@dataclass(frozen=True)
class DvaeTraining:
    """How a dVAE is trained; the defaults made the shipped demo weights.

    Args:
        steps: optimizer steps.
        batch_size: images in one step.
        seed: of the first weights, the order of the images, flips and noise.
        max_shift: pixels by which an image is moved at random along each axis, its edge repeated;
            for the random crops of the paper's listing 1, which need larger images.
        learning_rate: of AdamW at the start and at the end of a cosine schedule.
        learning_rate_steps: length of that schedule, in steps.
        temperature: of the relaxation at the start and at the end of a cosine schedule.
        temperature_steps: length of that schedule, in steps.
        kl_weight: of the divergence of the codes from uniform, once it has risen over
            `kl_steps`.
        kl_steps: length of that rise, in steps.
        pixel_weight: of the mean squared error of mapped pixels, beside the logit-Laplace
            likelihood; 0 in the paper. The likelihood alone follows medians: 300 steps on
            slanted edges gained 4.2 dB over patch k-means with 2000, and nothing with 50.
        ema_decay: of the averaged weights, which are the ones kept.
        kmeans_iterations: for the codebook that a patch path starts from.
        kmeans_spread: variance of a pixel around its centroid that the first logits assume.
    """

    steps: int = 1800
    batch_size: int = 32
    seed: int = 0
    max_shift: int = 4
    learning_rate: tuple[float, float] = (2e-3, 1e-5)
    learning_rate_steps: int = 1800
    temperature: tuple[float, float] = (0.5, 1 / 16)
    temperature_steps: int = 1440
    kl_weight: float = 0.0
    kl_steps: int = 5000
    pixel_weight: float = 2000.0
    ema_decay: float = 0.998
    kmeans_iterations: int = 20
    kmeans_spread: float = 0.02

    def __post_init__(self) -> None:
        _require(min(self.steps, self.batch_size) >= 1, "steps and batch_size must be at least 1")
        rates = (*self.learning_rate, *self.temperature, self.kmeans_spread)
        _require(min(rates) > 0, "learning_rate, temperature and kmeans_spread must be above 0")
        for name in (
            "seed",
            "max_shift",
            "learning_rate_steps",
            "temperature_steps",
            "kl_weight",
            "kl_steps",
            "pixel_weight",
        ):
            _require(getattr(self, name) >= 0, f"{name} must not be negative")
        _require(0 <= self.ema_decay < 1, "ema_decay must be in [0, 1)")


DVAE_TRAINING_PRESETS = {
    # Source: Ramesh et al. 2021, appendix A.2.
    "paper": DvaeTraining(
        steps=3_000_000,
        batch_size=512,
        max_shift=0,
        learning_rate=(1e-4, 1.25e-6),
        learning_rate_steps=1_200_000,
        temperature=(1.0, 1 / 16),
        temperature_steps=150_000,
        kl_weight=6.6,
        kl_steps=5_000,
        pixel_weight=0.0,
        ema_decay=0.999,
    ),
    "demo": DvaeTraining(),
}


@dataclass(frozen=True)
class PairChoice:
    """Which rows of the shards to train on; the defaults take all.

    Args:
        max_images: the first so many images in key order, which is a random order of images;
            None for all.
        captions_per_image: the first so many in key order; None for all.
        has_distinct_captions: pass over a row whose caption, lower-cased, came with an earlier
            image: the model could not know which of the two is asked for.
    """

    max_images: int | None = None
    captions_per_image: int | None = None
    has_distinct_captions: bool = False


@dataclass(frozen=True)
class PriorTraining:
    """How to train; the defaults are the paper's.

    Args:
        steps: optimizer steps.
        batch_size: pairs in one step.
        learning_rate: of AdamW, after warm-up.
        warmup_steps: of linear warm-up, followed by half a cosine.
        final_rate: share of the rate that is left at the end. (The paper halves the rate at five
            plateaus of a validation loss, which ends at the same share.)
        betas: of AdamW.
        weight_decay: decoupled, of matrices.
        clip_norm: bound of the gradient's norm.
        bpe_dropout: share of BPE merges passed over.
        token_noise: an image that is read has a share of its tokens, drawn from 0 to this,
            replaced by random codes; the targets stay. Falls to 0 over the run; 0 in the paper.
            Without it a model of few images knows them by their first tokens, does not learn to
            read the caption, and does not recover from an unlucky draw.
        optimizer: `muon` learns the blocks' matrices by Muon; `adamw` in the paper.
        matrix_rate: learning rate of Muon.
        precision: of the forward pass; `auto` is bfloat16 where the processor has it.
        seed: of initial weights, shuffles and draws, >= 0.
        checkpoint_every: steps between saved states.
        threads: of torch while it trains; equal numbers give equal weights. None for torch's own
            number, which on a busy machine can cost several times as much: its threads wait for
            each other in loops.

    Source: Ramesh et al. 2021, appendix B.2 and footnote 5.
    """

    steps: int = 430_000
    batch_size: int = 1024
    learning_rate: float = 4.5e-4
    warmup_steps: int = 5000
    final_rate: float = 1 / 32
    betas: tuple[float, float] = (0.9, 0.96)
    weight_decay: float = 4.5e-2
    clip_norm: float = 4.0
    bpe_dropout: float = 0.1
    token_noise: float = 0.0
    optimizer: Literal["adamw", "muon"] = "adamw"
    matrix_rate: float = 0.02
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 0
    checkpoint_every: int = 1000
    threads: int | None = None

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.checkpoint_every, self.threads or 1)
        _require(min(counts) >= 1, "steps, batch_size and checkpoint_every must be at least 1")
        _require(0 <= self.bpe_dropout < 1, "bpe_dropout must be in [0, 1)")
        _require(0 <= self.token_noise <= 1, "token_noise must be in [0, 1]")
        _require(self.learning_rate > 0 and self.matrix_rate > 0, "rates must be above 0")
        _require(self.seed >= 0, "seed must not be negative")


PRIOR_TRAINING_PRESETS = {
    "paper": PriorTraining(),
    # Chosen by trial on a few hundred drawings, so that a caption gives its own image soonest.
    "demo": PriorTraining(
        steps=300,
        batch_size=32,
        learning_rate=6e-3,
        warmup_steps=20,
        final_rate=0.05,
        weight_decay=0.0,
        bpe_dropout=0.0,
        token_noise=1.0,
        optimizer="muon",
        checkpoint_every=100,
        threads=1,
    ),
}

PAIR_CHOICE_PRESETS = {
    "paper": PairChoice(),
    # Chosen: what the demo's steps can learn by heart.
    "demo": PairChoice(max_images=320, captions_per_image=1, has_distinct_captions=True),
}


@dataclass(frozen=True)
class SampleSettings:
    """How to draw; the defaults are the paper's.

    Args:
        temperature: divides the logits; 0 takes the likeliest code.
        top_k: draw among that many likeliest codes; None for all.
        seed: of the draws, >= 0.
        batch_size: images drawn at once; bounds memory, changes no draw.

    Source: Ramesh et al. 2021, section 2.6: temperature 1.
    """

    temperature: float = 1.0
    top_k: int | None = None
    seed: int = 0
    batch_size: int = 64

    def __post_init__(self) -> None:
        _require(self.temperature >= 0, "temperature must not be negative")
        _require(self.top_k is None or self.top_k >= 1, "top_k must be at least 1, or none")
        _require(self.batch_size >= 1, "batch_size must be at least 1")
        _require(self.seed >= 0, "seed must not be negative")
