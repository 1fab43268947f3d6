"""How a CLIP is trained, as frozen data without torch."""

from dataclasses import dataclass

from dalle_model.training_settings import Training, require


@dataclass(frozen=True, kw_only=True)
class ClipTraining(Training):
    """How to train a CLIP; the defaults are chosen for some ten thousand pairs and one core.

    The loss compares each pair with all others of its step, whichever process has them. So a step
    cannot be taken in parts (`accumulation`): other rows would be compared.

    Args:
        batch_size: pairs of one step; of several processes a multiple of their number.
        learning_rate: of AdamW, after the warm-up; half a cosine takes it to 0.
        warmup_steps: in which it rises.
        betas: of AdamW.
        weight_decay: decoupled, of matrices only.
        temperature: that the cosines are divided by at first; it is learnt.
        least_temperature: below which it is not learnt.
        max_shift: largest random shift of an image along each axis, in pixels, with the edge
            repeated; it is never mirrored, since captions say what is left and right.
        bpe_dropout: probability of skipping a BPE merge.

    Source: Radford et al. 2021, section 2.5: temperature 0.07, least 0.01.
    """

    steps: int = 300
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup_steps: int = 50
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.2
    temperature: float = 0.07
    least_temperature: float = 0.01
    max_shift: int = 4
    bpe_dropout: float = 0.1
    clip_norm: float | None = 1.0
    ema_decay: float = 0.99
    checkpoint_every: int = 100
    measure_every: int | None = 100
    threads: int | None = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        is_one = self.accumulation == 1
        require(is_one, "accumulation must be 1: the loss compares all pairs of a step")
        require(self.precision != "float16", "precision float16 is for priors; take bfloat16")
        is_whole = self.parallel == "ddp" and self.powersgd_rank is None
        plain = is_whole and not (self.recompute or self.compile)
        require(plain, "parallel fsdp, powersgd_rank, recompute and compile are for priors")
        require(self.batch_size >= 2, "batch_size must be at least 2: pairs are compared")
        require(self.learning_rate > 0, "learning_rate must be above 0")
        require(0 < self.least_temperature <= self.temperature, "temperatures must be above 0")
        require(0 <= self.bpe_dropout < 1, "bpe_dropout must be in [0, 1)")
        for name in ("warmup_steps", "weight_decay", "max_shift"):
            require(getattr(self, name) >= 0, f"{name} must not be negative")


CLIP_TRAINING_PRESETS = {
    "demo": ClipTraining(),
    # Source: Radford et al. 2021, tables 18 and 20: 32 epochs of 400 million pairs. Departures, as
    # all: what `dalle_model.train.clip_task` names, and a centre in the place of a random square.
    "vit-b-32": ClipTraining(
        steps=390_625,
        batch_size=32_768,
        learning_rate=5e-4,
        warmup_steps=2000,
        max_shift=0,
        bpe_dropout=0.0,
        clip_norm=None,
        ema_decay=0.0,
        checkpoint_every=1000,
        measure_every=1000,
        threads=None,
        workers=4,
    ),
}
