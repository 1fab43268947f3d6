"""How a DALL·E mini is trained and drawn from, as frozen data without torch."""

from dataclasses import dataclass

from dalle_model.settings import PAIR_CHOICE_PRESETS, PriorTraining
from dalle_model.training_settings import require


@dataclass(frozen=True, kw_only=True)
class MiniTraining(PriorTraining):
    """How to train a DALL·E mini; the defaults are those of `mega`.

    The settings are the prior's, and mean the same. With `final_rate` 1 the rate of the schedule
    `cosine` stays constant after the warm-up, as that of dalle-mini's models does.

    Departures: AdamW or Muon in the place of Distributed Shampoo, which preconditions each matrix
    by roots of its second moments; `caption_dropout` is 0.1 in the place of 0, since guidance needs
    a model that knows the empty caption.

    Args:
        caption_dropout: probability of training a pair without its caption, so that drawing can be
            guided by `cond_scale`. Chosen. Source: dalle-mini, `blank_caption_prob`.

    Source: borisdayma/dalle-mini (f0be4de) `tools/train/train.py` and its report on DALL·E mega:
    4,224 pairs a step, warm-up of 10,000 to 1e-4, moments 0.9 and 0.99, no dropout, decay or
    clipping.
    """

    steps: int = 430_000  # chosen: 1.8 billion pairs, behind which its rate falls
    batch_size: int = 4224
    learning_rate: float = 1e-4
    warmup_steps: int = 10_000
    final_rate: float = 1.0
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    clip_norm: float | None = None
    ema_decay: float = 0.0
    bpe_dropout: float = 0.0
    caption_dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.precision != "float16", "precision float16 is for priors; take bfloat16")
        require(self.parallel == "ddp", "parallel fsdp is for priors; set it to ddp")
        require(self.grid_every is None, "grid_every is for priors and codecs; leave it out")


# Of `mini`, the batch is 64 on each of 8 devices, and 5e-5 to 1e-3 were tried. Source: the same.
_MINI = MiniTraining(steps=430_000, batch_size=512, learning_rate=5e-5, warmup_steps=1000)

MINI_TRAINING_PRESETS = {
    "mega": MiniTraining(),
    "mini": _MINI,
    "mini_glu": _MINI,
    "micro": _MINI,
    # Chosen: the prior's values of the same name, with which the two can be compared.
    "demo": MiniTraining(
        steps=300,
        batch_size=32,
        learning_rate=6e-3,
        warmup_steps=20,
        final_rate=0.05,
        clip_norm=4.0,
        token_noise=1.0,
        optimizer="muon",
        checkpoint_every=100,
        measure_every=None,
        threads=1,
        workers=0,
    ),
}

MINI_CHOICE_PRESETS = dict.fromkeys(MINI_TRAINING_PRESETS, PAIR_CHOICE_PRESETS["base"]) | {
    "demo": PAIR_CHOICE_PRESETS["demo"]
}


@dataclass(frozen=True)
class MiniDrawing:
    """How to draw, by the names of dalle-mini's notebook, whose values the defaults are.

    Args:
        gen_top_k: draw from this many most likely codes; None for all.
        gen_top_p: draw from the fewest likeliest codes whose shares, after temperature and
            `gen_top_k`, sum to this at least; None for all.
        temperature: divides the logits; 0 takes the most likely code.
        cond_scale: logits = those of the empty caption + this times what the caption adds to them,
            before all of the above; 1 for those of the caption. Above 1 it takes twice the time.
        seed: of the uniform numbers, >= 0.

    Source: borisdayma/dalle-mini (f0be4de) `tools/inference/inference_pipeline.ipynb`; the order is
    that of Hugging Face's `generate`, which it calls.
    """

    gen_top_k: int | None = None
    gen_top_p: float | None = None
    temperature: float = 1.0
    cond_scale: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        is_share = self.gen_top_p is None or 0 < self.gen_top_p <= 1
        require(self.gen_top_k is None or self.gen_top_k >= 1, "gen_top_k must be at least 1")
        require(is_share, "gen_top_p must be above 0 and at most 1, or none")
        require(self.temperature >= 0, "temperature must not be negative")
        require(self.cond_scale >= 0, "cond_scale must not be negative")
        require(self.seed >= 0, "seed must not be negative")
