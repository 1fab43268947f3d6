"""Settings of training and sampling as frozen data, kept apart from the code that needs torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dalle_model.training_settings import Training, require

Augment = Literal["none", "shift", "listing1"]
MAX_BEST_OF = 512  # images of a caption. Source: Ramesh et al. 2021, section 2.6: the best of 512
CHOOSING_SCORER = "drawn"  # ships; where none is named. It has seen images as a codec decodes them


def _require_what_codecs_have(settings: Training) -> None:
    message = "precision float16 is for priors, whose gradients are scaled; take bfloat16"
    require(settings.precision != "float16", message)
    require(not settings.compile, "compile is for priors; set it to false")


@dataclass(frozen=True, kw_only=True)
class DvaeTraining(Training):
    """How to train a dVAE; the defaults are the paper's, which has neither warm-up nor clipping.

    Args:
        batch_size: images in one step.
        augment: what of an image is trained on: `listing1`, a square by chance at a size by chance,
            mirrored in one case of two; `shift`, the centre, shifted by chance and mirrored in one
            case of two, for images that are stored no larger than the codec's; `none`, the centre.
        max_shift: largest shift along each axis, in pixels, with the edge repeated.
        learning_rate: of AdamW at the start and at the end of a cosine schedule.
        learning_rate_steps: length of that schedule, in steps.
        temperature: of the relaxation at the start and at the end of a cosine schedule.
        temperature_steps: length of that schedule, in steps.
        kl_weight: of the divergence of the codes from uniform, after rising from 0 over
            `kl_steps`.
        kl_steps: length of that rise, in steps.

    Departures of the defaults: `precision` is bfloat16 where the processor multiplies in it, where
    the paper has float16 and a scaled loss; the moving average forgets its start; crops are rounded
    to whole pixels (`dalle_model.data.augment`). As there, the encoder's last and the decoder's
    first 1x1 are in float32.

    Source: Ramesh et al. 2021, section 2.1, appendix A.2 and its listing 1.
    """

    steps: int = 3_000_000
    batch_size: int = 512
    ema_decay: float = 0.999
    augment: Augment = "listing1"
    max_shift: int = 0
    learning_rate: tuple[float, float] = (1e-4, 1.25e-6)
    learning_rate_steps: int = 1_200_000
    temperature: tuple[float, float] = (1.0, 1 / 16)
    temperature_steps: int = 150_000
    kl_weight: float = 6.6
    kl_steps: int = 5_000

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_what_codecs_have(self)
        rates = (*self.learning_rate, *self.temperature)
        require(min(rates) > 0, "learning_rate and temperature must be above 0")
        for name in (
            "max_shift",
            "learning_rate_steps",
            "temperature_steps",
            "kl_weight",
            "kl_steps",
        ):
            require(getattr(self, name) >= 0, f"{name} must not be negative")


@dataclass(frozen=True, kw_only=True)
class VqTraining(Training):
    """How to train a VQ-VAE of patches.

    Args:
        steps: optimizer steps. While the learning rate is constant, a run whose steps are changed
            is bit for bit one that had them from its start.
        decay_steps: of them, the last ones, in which the learning rate falls to 0 in a line.
        warmup_steps: of them, the first ones, in which it rises.
        batch_size: images in one step.
        clip_norm: the gradient is clipped to this norm. Chosen: without it the first steps after
            k-means overshoot.
        learning_rate: of AdamW, for all but the matrices of the blocks.
        matrix_rate: of Muon, for these.
        commitment: weight of the distance of features from their vectors.
            Source: van den Oord et al. 2017, section 3.2, beta.
        codebook_decay: of the moving averages that the codebook is made of.
            Source: van den Oord et al. 2017, appendix A.1, gamma.
        max_shift: largest random shift along each axis, in pixels, with the edge repeated.
        kmeans_iterations: of the patch k-means that the codec is compared with.

    The rates are chosen by trial in runs of 100 CPU seconds: Muon at 0.02 gave 0.05 dB more than
    AdamW alone, at 0.04 as much again with half the batch, at 0.1 less. The steps are chosen: what
    a core does in an hour.
    """

    steps: int = 10_000
    decay_steps: int = 4_500
    warmup_steps: int = 30
    batch_size: int = 32
    clip_norm: float | None = 1.0
    learning_rate: float = 2e-3
    matrix_rate: float = 0.04
    commitment: float = 0.25
    codebook_decay: float = 0.99
    max_shift: int = 4
    ema_decay: float = 0.998
    kmeans_iterations: int = 20
    checkpoint_every: int = 100
    measure_every: int | None = 100
    threads: int | None = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_what_codecs_have(self)
        require(0 <= self.decay_steps <= self.steps, "decay_steps must be in [0, steps]")
        require(self.learning_rate > 0 and self.matrix_rate > 0, "rates must be above 0")
        require(0 <= self.codebook_decay < 1, "codebook_decay must be in [0, 1)")
        for name in ("warmup_steps", "commitment", "max_shift", "kmeans_iterations"):
            require(getattr(self, name) >= 0, f"{name} must not be negative")


@dataclass(frozen=True)
class PairChoice:
    """Which rows of the shards to train on; by default all of them.

    Args:
        max_images: number of images, taken in key order, which is random; None for all.
        captions_per_image: number of captions of each image, taken in key order; None for all.
        has_distinct_captions: skip a row whose lower-cased caption an earlier image has too: the
            model could not know which of the two images is meant.
        where: conditions that must all hold: a column, one of `==`, `!=`, `<`, `<=`, `>`, `>=`, and
            a value.
        weights: how often an epoch has the rows of each `source`, 1 where it is not named.
        held_out: the share of images, of those that the above leave, that are not trained on but
            measured, in [0, 1); an image's key alone tells. The paper held out 606,000 of 250
            million. Source: Ramesh et al. 2021, appendix B.2.
    """

    max_images: int | None = None
    captions_per_image: int | None = None
    has_distinct_captions: bool = False
    where: Sequence[tuple[str, str, Any]] = field(default_factory=list)
    weights: Mapping[str, float] = field(default_factory=dict)
    held_out: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.held_out < 1, "held_out must be in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class PriorTraining(Training):
    """How to train the prior; the defaults are the paper's.

    But for four, in which the defaults depart from it and the preset `paper` does not: `schedule`,
    `precision`, `second_moment_max` and `moment_bits`.

    Args:
        batch_size: pairs in one step.
        learning_rate: of AdamW, at the end of the warm-up.
        warmup_steps: of linear warm-up.
        schedule: what follows it: `cosine`, half of one; or `plateau`, as in the paper: the rate is
            halved where the loss of what is held out, measured every `measure_every` steps, falls
            no more.
        final_rate: share of the learning rate that is left at the end of `cosine`; by default what
            the five halvings of the paper leave.
        halvings: of `plateau`, at most.
        plateau_patience: measurements without a lower loss that are waited for before a halving.
            Chosen, as `plateau_threshold`: the paper names no rule, this is torch's.
        plateau_threshold: share of the lowest loss by which another is lower at least.
        betas: of AdamW.
        second_moment_max: the second moments of AdamW are cut off here, at 5 in the paper; null for
            plain AdamW.
        moment_bits: of both moments of the matrices in blocks: 32, or 16 in the paper's formats.
        weight_decay: decoupled, of matrices only.
        bpe_dropout: probability of skipping a BPE merge.
        caption_dropout: probability of training a pair without its caption, so that sampling can be
            guided; 0 in the paper. Source: DALLE-pytorch, `null_cond_prob`; dalle-mini,
            `blank_caption_prob`.
        token_noise: in the input, a share of each image's tokens, drawn evenly from 0 to this, is
            replaced by random codes; the targets stay. Falls to 0 over the run; 0 in the paper.
            Without it a model of few images recognises them by their first tokens, does not learn
            to read the caption, and does not recover from an unlucky sample.
        optimizer: `adamw`, as in the paper, or `muon` for the matrices of the blocks.
        matrix_rate: learning rate of Muon.

    Source: Ramesh et al. 2021, appendix B.2 and footnote 5.
    """

    steps: int = 430_000
    batch_size: int = 1024
    learning_rate: float = 4.5e-4
    warmup_steps: int = 5000
    schedule: Literal["cosine", "plateau"] = "cosine"
    final_rate: float = 1 / 32
    halvings: int = 5
    plateau_patience: int = 10
    plateau_threshold: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.96)
    second_moment_max: float | None = None
    moment_bits: Literal[16, 32] = 32
    weight_decay: float = 4.5e-2
    clip_norm: float | None = 4.0
    ema_decay: float = 0.99
    ema_every: int = 25
    bpe_dropout: float = 0.1
    caption_dropout: float = 0.0
    token_noise: float = 0.0
    optimizer: Literal["adamw", "muon"] = "adamw"
    matrix_rate: float = 0.02
    measure_every: int | None = 1000
    workers: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.bpe_dropout < 1, "bpe_dropout must be in [0, 1)")
        require(0 <= self.caption_dropout < 1, "caption_dropout must be in [0, 1)")
        require(0 <= self.token_noise <= 1, "token_noise must be in [0, 1]")
        require(self.learning_rate > 0 and self.matrix_rate > 0, "rates must be above 0")
        for name in ("halvings", "plateau_patience", "plateau_threshold"):
            require(getattr(self, name) >= 0, f"{name} must not be negative")
        require(self.plateau_threshold < 1, "plateau_threshold must be below 1")
        is_measured = self.schedule == "cosine" or self.measure_every is not None
        require(is_measured, "schedule plateau needs measure_every")
        most = self.second_moment_max
        require(most is None or most > 0, "second_moment_max must be above 0, or none")


# Between the demo and the paper: the learning rate and the tokens of a batch (0.5 and 1 million, of
# streams of 1280) are those of GPT-3 of about that size, and the warm-up has its 375 million tokens
# (Brown et al. 2020, table 2.1 and appendix B; `small` takes its smallest model's). The steps are
# chosen: as many tokens for each parameter as the paper's 12 billion have, 46. All else is the
# paper's, but for the four settings that `PriorTraining` names.
PRIOR_TRAINING_PRESETS = {
    "paper": PriorTraining(
        schedule="plateau", precision="float16", second_moment_max=5.0, moment_bits=16
    ),
    "1.4b": PriorTraining(steps=69_000, batch_size=768, learning_rate=2e-4, warmup_steps=375),
    "350m": PriorTraining(steps=33_000, batch_size=384, learning_rate=3e-4, warmup_steps=750),
    "base": PriorTraining(steps=12_800, batch_size=384, learning_rate=6e-4, warmup_steps=750),
    "small": PriorTraining(steps=4_700, batch_size=384, learning_rate=6e-4, warmup_steps=750),
    # Chosen by trial on a few hundred drawings: the fewest steps until a caption gives its image.
    "demo": PriorTraining(
        steps=300,
        batch_size=32,
        learning_rate=6e-3,
        warmup_steps=20,
        final_rate=0.05,
        weight_decay=0.0,
        ema_decay=0.0,
        bpe_dropout=0.0,
        token_noise=1.0,
        optimizer="muon",
        checkpoint_every=100,
        measure_every=None,
        threads=1,
        workers=0,
    ),
}

PAIR_CHOICE_PRESETS = {
    **{name: PairChoice() for name in PRIOR_TRAINING_PRESETS},
    "paper": PairChoice(held_out=606_000 / 250_000_000),
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
        guidance: logits = those of an empty caption + this times what the caption adds to them; 1
            for those of the caption, as in the paper. Above 1 it takes twice the time, and a prior
            that was trained with `caption_dropout`.
        batch_size: images whose keys and values are in memory at once, at most 16. No image depends
            on it: layers get batches of 16, which fewer are filled up to. Chosen: on a CPU (Zen 3,
            the demo's prior) one image takes 1.8 times as long in layers of 16 as of 1 and 1.1
            times as long as of 8, and 16 images an eighth of the time that they take of 1, and 0.6
            of that of 8.
        top_p: sample from the fewest likeliest codes whose shares, after temperature and `top_k`,
            sum to this at least; 1 for all.

    Source: Ramesh et al. 2021, section 2.6: temperature 1.
    """

    temperature: float = 1.0
    top_k: int | None = None
    seed: int = 0
    guidance: float = 1.0
    batch_size: int = 16
    top_p: float = 1.0

    def __post_init__(self) -> None:
        require(self.temperature >= 0, "temperature must not be negative")
        require(self.guidance >= 0, "guidance must not be negative")
        require(self.top_k is None or self.top_k >= 1, "top_k must be at least 1, or none")
        require(0 < self.top_p <= 1, "top_p must be above 0 and at most 1")
        require(self.batch_size >= 1, "batch_size must be at least 1")
        require(self.seed >= 0, "seed must not be negative")
