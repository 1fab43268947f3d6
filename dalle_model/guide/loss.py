"""What guides a picture: how far the vectors of its parts are from those of the prompts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dalle_model.guide.gradients import with_gradient_of

# Shape letters: N cut-outs, E values of a vector.


@dataclass(frozen=True)
class Target:
    """A prompt as the scorer sees it.

    Args:
        vector: float32 `(E,)`, of length 1.
        weight: as of `prompts.Prompt`.
        stop: likewise.
    """

    vector: Tensor
    weight: float = 1.0
    stop: float = -math.inf


def spherical_distance(a_NE: Tensor, b_E: Tensor) -> Tensor:
    """Half the square of the angle, `(N,)` in [0, pi^2 / 2], between vectors of length 1.

    Source: Crowson's notebooks, `Prompt.forward`: 2 arcsin(|a - b| / 2)^2.
    """
    half_chord_N: Tensor = torch.linalg.vector_norm(a_NE - b_E, dim=-1) / 2
    return 2 * half_chord_N.clamp(max=1).arcsin().square()


def prompt_loss(vectors_NE: Tensor, target: Target) -> Tensor:
    """The mean distance, with the sign of the weight and times its size.

    Where the signed distance is below the stop, it counts, and has no gradient.
    """
    sign = math.copysign(1.0, target.weight)
    signed_N = spherical_distance(vectors_NE, target.vector) * sign
    stopped_N = with_gradient_of(signed_N, signed_N.clamp(min=target.stop))
    return abs(target.weight) * stopped_N.mean()


def guiding_loss(vectors_NE: Tensor, targets: Sequence[Target]) -> Tensor:
    """The sum over all prompts, a scalar."""
    return torch.stack([prompt_loss(vectors_NE, target) for target in targets]).sum()
