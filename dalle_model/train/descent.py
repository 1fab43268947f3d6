"""What the trainings of codecs share: a batch, one step downhill, and averaged weights."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dalle_model.errors import DalleError

# Shape letters: N training images, B batch, C colour channels (3), S side in pixels.

GRADIENT_CLIP = 1.0  # chosen: without it the first steps after k-means overshoot


class DivergedError(DalleError):
    """The training loss is not finite any more."""


def draw_batch(
    x_NCSS: Tensor, batch_size: int, max_shift: int, generator: torch.Generator
) -> Tensor:
    """A random batch of images, each shifted, with its edge repeated, and mirrored at random.

    Args:
        x_NCSS: the images, of any dtype.
        batch_size: B.
        max_shift: largest shift along each axis, in pixels.
        generator: of the choices.

    Returns:
        `(B, C, S, S)`, channels last.
    """
    x_BCSS = x_NCSS[torch.randint(len(x_NCSS), (batch_size,), generator=generator)]
    mirrored_B = torch.rand(batch_size, generator=generator) < 0.5
    x_BCSS = torch.where(mirrored_B[:, None, None, None], x_BCSS.flip(3), x_BCSS)
    corners_B2 = torch.randint(2 * max_shift + 1, (batch_size, 2), generator=generator) - max_shift
    places = (torch.arange(x_NCSS.shape[-1]) + corners_B2[..., None]).clamp(0, x_NCSS.shape[-1] - 1)
    shifted = [
        image[:, rows][:, :, columns]
        for image, (rows, columns) in zip(x_BCSS, places.unbind(), strict=True)
    ]
    return torch.stack(shifted).contiguous(memory_format=torch.channels_last)


def descend(model: nn.Module, optimizers: Iterable[Optimizer], loss: Tensor, setting: str) -> None:
    """One step of all optimisers along the clipped gradient of a loss.

    Args:
        model: whose parameters they change.
        optimizers: whose learning rates are set.
        loss: a scalar.
        setting: of the learning rate, for the error.

    Raises:
        DivergedError: the loss is not finite.
    """
    if not torch.isfinite(loss):
        raise DivergedError(f"the loss became {loss.item()}; lower `{setting}` and train again")
    model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_CLIP)
    for optimizer in optimizers:
        optimizer.step()


@torch.no_grad()
def average(averaged: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Exponential moving average that forgets its start: its decay grows from 1/10 to `decay`."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    pairs = zip(averaged.parameters(), model.parameters(), strict=True)
    for kept, current in pairs:
        kept.lerp_(current, share)
