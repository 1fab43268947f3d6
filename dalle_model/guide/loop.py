"""Guiding a picture: steps of Adam on a canvas, down the loss of what the scorer sees of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dalle_model.clip.differentiable import ImageTower
from dalle_model.guide.canvas import Canvas
from dalle_model.guide.cutouts import augmentation, cut_out
from dalle_model.guide.loss import Target, guiding_loss
from dalle_model.guide.settings import GuideSettings
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.threads import pinned_kernels

# Shape letters: C colour channels (3), S S height and width in pixels.

# The similarities of a picture and each of the prompts.
Measure = Callable[[Rgb], NDArray[np.float32]]


@dataclass(frozen=True)
class Frame:
    """A picture on its way.

    Args:
        step: how many steps it has had.
        picture: uint8 `(height, width, 3)`, without the draws of a step.
        similarities: float32 of each prompt, the cosine to the whole picture as it is shown.
    """

    step: int
    picture: Rgb
    similarities: NDArray[np.float32]


def guide(
    canvas: Canvas,
    tower: ImageTower,
    targets: Sequence[Target],
    measure: Measure,
    generator: torch.Generator,
    settings: GuideSettings,
    on_step: OnStep = ignore_steps,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Frame]:
    """Take the steps; give the picture before the first, after each `every`th, and after the last.

    The same seed gives the same pictures on the processor of one machine.

    Args:
        canvas: changed in place.
        tower: the scorer's, through which gradients pass.
        targets: the prompts as it sees them.
        measure: of a picture as it is shown.
        generator: of the cut-outs.
        settings: of the guidance.
        on_step: called after each step with its loss, and the similarity last measured: the mean
            over prompts, by weight.
        is_stopped: asked before each step; where it is, the picture so far is the last.
    """
    optimizer = torch.optim.Adam(canvas.parameters, lr=settings.rate or canvas.rate)
    augment = augmentation(mirrors=settings.mirrors) if settings.augments else None
    similarity = 0.0
    for step in range(settings.steps + 1):
        is_last = step == settings.steps or is_stopped()
        if is_last or step % settings.every == 0:
            with _kernels(settings):
                picture = to_rgb(canvas.picture())
            frame = Frame(step, picture, measure(picture))
            similarity = weighted(frame.similarities, targets)
            yield frame
        if is_last:
            return
        with _kernels(settings):
            image_CSS = canvas.image()[0]
            cuts = cut_out(image_CSS, settings.cutouts, tower.side, generator, augment)
            loss = guiding_loss(tower.vectors(cuts), targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            canvas.after_step()
        on_step(step + 1, settings.steps, {"loss": loss.item(), "similarity": similarity})


def weighted(similarities: NDArray[np.float32], targets: Sequence[Target]) -> float:
    """The mean of similarities by the weights of their prompts, in [-1, 1]; higher is nearer."""
    weights = np.array([target.weight for target in targets])
    return float(similarities @ weights / np.abs(weights).sum())


def to_rgb(image_1CSS: Tensor) -> Rgb:
    """RGB uint8 `(S, S, 3)` of pixels `(1, 3, S, S)` in [0, 1]."""
    unit_SSC = image_1CSS[0].permute(1, 2, 0).cpu().numpy()
    return np.asarray(np.rint(unit_SSC * 255), np.uint8)


def _kernels(settings: GuideSettings) -> AbstractContextManager[None]:
    """Those that give the same sums each time, on the processor; of a card not all have one."""
    is_on_processor = torch.device(settings.device).type == "cpu"
    return pinned_kernels(settings.threads) if is_on_processor else nullcontext()
