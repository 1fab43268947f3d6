"""Settings of training and sampling as frozen data, kept apart from the code that needs torch."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "float32", "bfloat16"]


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


@dataclass(frozen=True)
class DvaeTraining:
    """How to train a dVAE; the defaults are the paper's.

    Args:
        steps: optimizer steps.
        batch_size: images in one step.
        seed: of the initial weights, the choice of images, shifts, flips and noise.
        max_shift: largest random shift along each axis, in pixels, with the edge repeated; stands
            in for the random crops of the paper's listing 1, which need larger images.
        learning_rate: of AdamW at the start and at the end of a cosine schedule.
        learning_rate_steps: length of that schedule, in steps.
        temperature: of the relaxation at the start and at the end of a cosine schedule.
        temperature_steps: length of that schedule, in steps.
        kl_weight: of the divergence of the codes from uniform, after rising from 0 over
            `kl_steps`.
        kl_steps: length of that rise, in steps.
        ema_decay: of the exponential moving average of the weights, which is what is saved.
        precision: of the forward pass; `auto` is bfloat16 where the processor multiplies in it, 1.5
            times as fast as float32 on Zen 4. Emulated, it takes several times as long.

    Source: Ramesh et al. 2021, section 2.1 and appendix A.2.
    """

    steps: int = 3_000_000
    batch_size: int = 512
    seed: int = 0
    max_shift: int = 0
    learning_rate: tuple[float, float] = (1e-4, 1.25e-6)
    learning_rate_steps: int = 1_200_000
    temperature: tuple[float, float] = (1.0, 1 / 16)
    temperature_steps: int = 150_000
    kl_weight: float = 6.6
    kl_steps: int = 5_000
    ema_decay: float = 0.999
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        _require(min(self.steps, self.batch_size) >= 1, "steps and batch_size must be at least 1")
        rates = (*self.learning_rate, *self.temperature)
        _require(min(rates) > 0, "learning_rate and temperature must be above 0")
        for name in (
            "seed",
            "max_shift",
            "learning_rate_steps",
            "temperature_steps",
            "kl_weight",
            "kl_steps",
        ):
            _require(getattr(self, name) >= 0, f"{name} must not be negative")
        _require(0 <= self.ema_decay < 1, "ema_decay must be in [0, 1)")


@dataclass(frozen=True)
class VqTraining:
    """How to train a VQ-VAE of patches.

    Args:
        steps: optimizer steps. While the learning rate is constant, a run whose steps are changed
            goes on from its saved state.
        decay_steps: of them, the last ones, in which the learning rate falls to 0 in a line.
        warmup_steps: of them, the first ones, in which it rises.
        batch_size: images in one step.
        learning_rate: of AdamW, for all but the matrices of the blocks.
        matrix_rate: of Muon, for these.
        commitment: weight of the distance of features from their vectors.
            Source: van den Oord et al. 2017, section 3.2, beta.
        codebook_decay: of the moving averages that the codebook is made of.
            Source: van den Oord et al. 2017, appendix A.1, gamma.
        max_shift: largest random shift along each axis, in pixels, with the edge repeated.
        ema_decay: of the exponential moving average of the weights, which is what is saved.
        kmeans_iterations: of the patch k-means that the codec is compared with.
        precision: of the trunks; `auto` is bfloat16 where the processor multiplies in it.
        seed: of the initial weights, the choice of images, shifts, flips and new codes.
        checkpoint_every: steps between saved states.
        threads: of torch during training; equal numbers give equal weights. None for torch's
            default.

    The rates are chosen by trial in runs of 100 CPU seconds: Muon at 0.02 gave 0.05 dB more than
    AdamW alone, at 0.04 as much again with half the batch, at 0.1 less. The steps are chosen: what
    a core does in an hour.
    """

    steps: int = 10_000
    decay_steps: int = 4_500
    warmup_steps: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    matrix_rate: float = 0.04
    commitment: float = 0.25
    codebook_decay: float = 0.99
    max_shift: int = 4
    ema_decay: float = 0.998
    kmeans_iterations: int = 20
    precision: Precision = "auto"
    seed: int = 0
    checkpoint_every: int = 100
    threads: int | None = 1

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.checkpoint_every, self.threads or 1)
        _require(min(counts) >= 1, "steps, batch_size and checkpoint_every must be at least 1")
        _require(0 <= self.decay_steps <= self.steps, "decay_steps must be in [0, steps]")
        _require(self.learning_rate > 0 and self.matrix_rate > 0, "rates must be above 0")
        _require(0 <= self.codebook_decay < 1, "codebook_decay must be in [0, 1)")
        _require(0 <= self.ema_decay < 1, "ema_decay must be in [0, 1)")
        for name in ("warmup_steps", "commitment", "max_shift", "kmeans_iterations", "seed"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative")


@dataclass(frozen=True)
class PairChoice:
    """Which rows of the shards to train on; by default all of them.

    Args:
        max_images: number of images, taken in key order, which is random; None for all.
        captions_per_image: number of captions of each image, taken in key order; None for all.
        has_distinct_captions: skip a row whose lower-cased caption an earlier image has too: the
            model could not know which of the two images is meant.
    """

    max_images: int | None = None
    captions_per_image: int | None = None
    has_distinct_captions: bool = False


@dataclass(frozen=True)
class PriorTraining:
    """How to train the prior; the defaults are the paper's.

    Args:
        steps: optimizer steps.
        batch_size: pairs in one step.
        learning_rate: of AdamW, at the end of the warm-up.
        warmup_steps: of linear warm-up, followed by half a cosine.
        final_rate: share of the learning rate that is left at the end. (The paper halves the rate
            at five plateaus of a validation loss, which leaves the same share.)
        betas: of AdamW.
        weight_decay: decoupled, of matrices only.
        clip_norm: the gradient is clipped to this norm.
        bpe_dropout: probability of skipping a BPE merge.
        token_noise: in the input, a share of each image's tokens, drawn evenly from 0 to this, is
            replaced by random codes; the targets stay. Falls to 0 over the run; 0 in the paper.
            Without it a model of few images recognises them by their first tokens, does not learn
            to read the caption, and does not recover from an unlucky sample.
        optimizer: `adamw`, as in the paper, or `muon` for the matrices of the blocks.
        matrix_rate: learning rate of Muon.
        precision: of the forward pass and of Muon's products of matrices; `auto` is bfloat16 where
            the processor supports it.
        seed: of initial weights, shuffles, dropout and noise, >= 0.
        checkpoint_every: steps between saved states.
        threads: of torch during training; equal numbers give equal weights. None for torch's
            default, which on a busy machine can cost several times as much CPU time: its threads
            wait for each other in busy loops.
        workers: processes that read rows and encode captions ahead; 0 where the training does so
            itself between steps. Their number changes no weight.

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
    precision: Precision = "auto"
    seed: int = 0
    checkpoint_every: int = 1000
    threads: int | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.checkpoint_every, self.threads or 1)
        _require(min(counts) >= 1, "steps, batch_size and checkpoint_every must be at least 1")
        _require(0 <= self.bpe_dropout < 1, "bpe_dropout must be in [0, 1)")
        _require(0 <= self.token_noise <= 1, "token_noise must be in [0, 1]")
        _require(self.learning_rate > 0 and self.matrix_rate > 0, "rates must be above 0")
        _require(min(self.seed, self.workers) >= 0, "seed and workers must not be negative")


PRIOR_TRAINING_PRESETS = {
    "paper": PriorTraining(),
    # Chosen by trial on a few hundred drawings: the fewest steps until a caption gives its image.
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
        workers=0,
    ),
}

PAIR_CHOICE_PRESETS = {
    "paper": PairChoice(),
    # Chosen: as many pairs as the demo's steps can memorise.
    "demo": PairChoice(max_images=320, captions_per_image=1, has_distinct_captions=True),
}


@dataclass(frozen=True)
class SampleSettings:
    """How to sample; the defaults are the paper's.

    Args:
        temperature: divides the logits; 0 takes the most likely code.
        top_k: sample from this many most likely codes; None for all.
        seed: of the uniform numbers, >= 0.
        batch_size: images sampled at once, which bounds memory. Another number changes the last
            bits of logits, and by them an image now and then.

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
