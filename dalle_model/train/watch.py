"""How a training is seen: its lines of figures, pictures of what the model makes, trackers.

All of it is written below one folder, and none of it changes a weight.
"""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch.distributed.tensor import DTensor

from dalle_model import files
from dalle_model.train.loop import Hook
from dalle_model.train.recorder import FILE, Recorder
from dalle_model.train.speed import Pace, is_first
from dalle_model.train.state import RunState
from dalle_model.train.trackers import Trackers
from dalle_model.training_settings import Training

_LOG = logging.getLogger(__name__)
GRIDS = "grids"

# A picture of what the weights that are kept make of rows that stay the same.
Draw = Callable[[RunState], Image]


@dataclass(frozen=True)
class Logs:
    """Where a training is seen.

    Args:
        url: of the folder; empty to see nothing.
        codec_url: of the codec that decodes what a prior draws; empty for no pictures of it.
    """

    url: str = ""
    codec_url: str = ""


NOWHERE = Logs()


@contextmanager
def watching(
    logs: Logs, settings: Training, pace: Pace, draw: Draw | None = None
) -> Iterator[list[Hook]]:
    """The hooks by which a training is seen; those of one process, where several train together.

    Args:
        logs: where they write.
        settings: of the training.
        pace: of the training.
        draw: makes the pictures.

    Raises:
        TrackerError: a tracker is not installed, or there is no disk for it.
    """
    folder = logs.url
    if not folder or not is_first():
        yield []
        return
    with closing(Trackers(settings.trackers, folder)) as trackers:
        recorder = Recorder(files.join(folder, FILE), settings, pace, [trackers.log])
        hooks: list[Hook] = [recorder]
        if draw is not None and settings.grid_every is not None:
            hooks.append(drawing(folder, settings.grid_every, settings.steps, draw, trackers.show))
        with closing(recorder):
            yield hooks


def drawing(
    folder: str, every: int, steps: int, draw: Draw, show: Callable[[int, str], None]
) -> Hook:
    """Writes a picture every so many steps and at the end; torch's random numbers stay as they are.

    Args:
        folder: URL, below which the pictures are `grids/step-000100.png`.
        every: steps between pictures.
        steps: of the training.
        draw: makes a picture, given a state whose kept weights are ready for use.
        show: is given the step and the URL.
    """

    def draw_if_due(state: RunState) -> None:
        if state.step % every and state.step != steps:
            return
        if any(isinstance(weight, DTensor) for weight in state.trained.parameters()):
            _LOG.warning(
                "no picture of step %d: each process has a part of the weights", state.step
            )
            return
        was_training = state.trained.training
        devices = range(torch.cuda.device_count())
        with torch.random.fork_rng(devices), torch.inference_mode():
            state.trained.eval()
            picture = draw(state)
        state.trained.train(was_training)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        url = files.join(folder, GRIDS, f"step-{state.step:06d}.png")
        files.write_bytes(url, buffer.getvalue())
        show(state.step, url)

    return draw_if_due
