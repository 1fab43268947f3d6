"""What every training has, whichever model it trains, as frozen data without torch."""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Tracker = Literal["tensorboard", "wandb"]
Device = Literal["auto", "cpu", "cuda"]
Parallel = Literal["ddp", "fsdp"]


def require(holds: bool, message: str) -> None:
    """Refuse a setting: raises ValueError with what it must be."""
    if not holds:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the training loop reads.

    Args:
        steps: optimizer steps.
        batch_size: rows of one step, over all processes.
        accumulation: parts in which a process takes its rows of a step, one after the other; more
            take less memory, and change the last bits of sums alone.
        clip_norm: the gradient is clipped to this norm; null for no clipping.
        ema_decay: of the exponential moving average of the weights, which is what is saved then;
            0 for none. It forgets its start: the decay grows from 1/10 to this.
        ema_every: steps between two of its terms.
        precision: of the forward pass, and of Muon's products of matrices; `auto` is bfloat16 where
            the processor multiplies in it, 1.5 times as fast as float32 on Zen 4. Emulated, it
            takes several times as long. `float16` is for priors: the residual branches alone, and
            the gradient of each has a scale of its own.
        device: `cuda` for the card of each process, `auto` for a card where there is one.
        parallel: of several processes, started by torchrun, each has all weights (`ddp`) or a part
            of each of them (`fsdp`), which takes less memory and sends half as much again.
        powersgd_rank: of the matrices as whose products the gradients of blocks are sent, where
            each process has all weights; null to send them whole.
        powersgd_bits: 16 to round these products to the paper's format 1-6-9, and to hold in it
            what they leave over, in half the memory.
        recompute: keep of each block its input alone for the backward pass, which computes the rest
            again: a third more work for a part of the memory. Changes no weight.
        compile: of priors: let torch.compile fuse what lies between products of matrices. It takes
            a C++ compiler and a minute or so before the first step, and changes last bits of the
            weights. Not with `fsdp`, which gathers weights between layers.
        seed: of initial weights, order, augmentation, dropout and noise, >= 0.
        checkpoint_every: steps between checkpoints, from which a run that was stopped goes on.
        keep: how many of the newest checkpoints stay while it goes on; the one with the lowest
            held-out loss stays too.
        keep_finished: whether they stay when the run has ended, its last step among them, so that
            it can go on to more steps.
        measure_every: steps between measurements of what is held out; null for one at the end.
        record_every: steps between the lines of `metrics.jsonl`; measured steps have one, too.
        grid_every: steps between pictures of what the model makes of fixed rows; null for none.
        trackers: programs that are given the same figures and pictures: `tensorboard`, `wandb`.
        threads: of torch during training; equal numbers give equal weights. None for torch's
            default, which on a busy machine can cost several times as much CPU time: its threads
            wait for each other in busy loops.
        workers: processes that read rows ahead; 0 where the training does so itself between steps.
            Their number changes no weight.
    """

    steps: int
    batch_size: int
    accumulation: int = 1
    clip_norm: float | None = None
    ema_decay: float = 0.0
    ema_every: int = 1
    precision: Precision = "auto"
    device: Device = "auto"
    parallel: Parallel = "ddp"
    powersgd_rank: int | None = None
    powersgd_bits: Literal[16, 32] = 32
    recompute: bool = False
    compile: bool = False
    seed: int = 0
    checkpoint_every: int = 1000
    keep: int = 2
    keep_finished: bool = False
    measure_every: int | None = None
    record_every: int = 1
    grid_every: int | None = None
    trackers: tuple[Tracker, ...] = ()
    threads: int | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch_size",
            "accumulation",
            "ema_every",
            "checkpoint_every",
            "keep",
            "record_every",
        ):
            require(getattr(self, name) >= 1, f"{name} must be at least 1")
        for name in ("clip_norm", "measure_every", "grid_every", "threads", "powersgd_rank"):
            value = getattr(self, name)
            require(value is None or value > 0, f"{name} must be above 0, or none")
        require(
            self.powersgd_rank is None or self.parallel == "ddp",
            "powersgd_rank is for whole gradients: set parallel to ddp, or powersgd_rank to null",
        )
        require(
            not (self.compile and self.parallel == "fsdp"),
            "compile is for whole weights: set parallel to ddp, or compile to false",
        )
        require(0 <= self.ema_decay < 1, "ema_decay must be in [0, 1)")
        require(min(self.seed, self.workers) >= 0, "seed and workers must not be negative")
