"""How a picture is guided, as frozen data without torch."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from dalle_model.training_settings import require

Over = Literal["codes", "latents"]
OVERS: tuple[Over, ...] = get_args(Over)
RATES: dict[Over, float] = {"codes": 0.05, "latents": 0.1}


@dataclass(frozen=True)
class GuideSettings:
    """How a picture is guided towards prompts.

    Args:
        steps: of the optimizer.
        cutouts: parts of the picture that the scorer sees at each step.
        rate: of Adam; None for that of what is optimised.
        over: `codes`, logits over the codes of each position; `latents`, a vector at each position,
            whose nearest code is decoded; None for latents, and of a dVAE codes.
        temperature: of the softmax over codes; it divides the logits.
        mixes: over codes: decode the mean of their vectors, weighted by their probabilities, in
            place of one code that is drawn by them.
        augments: whether cut-outs are turned, shifted, distorted, recoloured, erased in part.
        mirrors: whether half of them are mirrored. Off, since captions say what is left and right.
        seed: of the first picture, the draws and the cut-outs, >= 0.
        every: steps between two frames of the film, and two measurements.
        device: `cpu`, or a graphics card as torch names it.
        threads: of the processor; another number changes last bits, which grow to another picture.

    Source: rates, and latents for VQGAN: `vqgan-clip` notebooks of Crowson and `generate.py` of
    nerdyrodent/VQGAN-CLIP; 0.05 is of the notebook over OpenAI's dVAE. Steps and cut-outs are
    chosen, for minutes of a processor: the notebooks have 500 to 10,000, and 32 or 64.
    """

    steps: int = 200
    cutouts: int = 16
    rate: float | None = None
    over: Over | None = None
    temperature: float = 1.0
    mixes: bool = False
    augments: bool = True
    mirrors: bool = False
    seed: int = 0
    every: int = 10
    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "cutouts", "every", "threads"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1")
        require(self.rate is None or 0 < self.rate <= 100, "rate must be above 0, and at most 100")
        require(self.over is None or self.over in OVERS, f"over must be one of {', '.join(OVERS)}")
        require(1e-3 <= self.temperature <= 100, "temperature must be within 0.001 and 100")
        require(self.seed >= 0, "seed must not be negative")
        is_known = self.device == "cpu" or re.fullmatch(r"cuda(:\d+)?", self.device) is not None
        require(is_known, f"device {self.device!r} must be cpu, cuda, or such as cuda:1")
