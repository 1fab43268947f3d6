"""Programs in which trainings are looked at, given the lines of `metrics.jsonl` and the pictures.

None of them is needed otherwise, so each is imported where it is asked for.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from dalle_model import files
from dalle_model.errors import UsageError
from dalle_model.training_settings import Tracker

_LOG = logging.getLogger(__name__)
PROJECT = "dalle"
PICTURES = "grid"


class TrackerError(UsageError):
    """A tracker cannot be used."""


class Tracking(Protocol):
    """One program."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""

    def show(self, step: int, picture: str) -> None:
        """Take the picture in a file."""

    def close(self) -> None:
        """Write what is left to be written."""


class TensorBoard:
    """Event files that `tensorboard --logdir` shows.

    Args:
        folder: on a disk, for the files.
        first_step: events of this and later steps that are there already are hidden.
    """

    def __init__(self, folder: str, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(folder, purge_step=first_step)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def show(self, step: int, picture: str) -> None:
        with Image.open(picture) as pixels:
            self._writer.add_image(PICTURES, np.asarray(pixels), step, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases, which stays on this machine unless WANDB_MODE says otherwise.

    `wandb sync` sends it later. A training that goes on is the same run.

    Args:
        folder: on a disk, below which it makes one called `wandb`.
        name: of the run.
    """

    def __init__(self, folder: str, name: str) -> None:
        wandb: Any = import_module("wandb")
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._wandb = wandb
        mode = os.environ.get("WANDB_MODE", "offline")
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=name,
            id=files.sha256(str(Path(folder).resolve()).encode())[:16],
            resume="allow",
            dir=folder,
            mode=mode,
            # the terminal is ours, unless there is a page on the web to name
            settings={"console": "off", "silent": mode == "offline"},
        )

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=step)

    def show(self, step: int, picture: str) -> None:
        self._run.log({PICTURES: self._wandb.Image(picture)}, step=step)

    def close(self) -> None:
        self._run.finish()


def missing_tracker(names: Sequence[Tracker]) -> str:
    """Which tracker is not installed, and the command that installs it; empty where all are."""
    for name in names:
        if find_spec(name) is None:
            return f"the tracker {name} is not installed; `pip install {name}`, or leave it out"
    return ""


class Trackers:
    """Several programs, which are opened with the first line that they are given.

    Args:
        names: of the programs.
        folder: URL of the folder below which each has one.

    Raises:
        TrackerError: one is not installed, or there is no disk for it.
    """

    def __init__(self, names: Sequence[Tracker], folder: str) -> None:
        if problem := missing_tracker(names):
            raise TrackerError(problem)
        if names and not files.is_local(folder):
            raise TrackerError(
                f"{names[0]} writes to a disk, and {folder} is a store; leave `trackers` out: "
                "`metrics.jsonl` has the same figures"
            )
        self._names, self._folder = names, folder
        self._open: list[Tracking] = []
        self._has_begun = False

    def log(self, line: Mapping[str, float]) -> None:
        """Give all of them a line of `metrics.jsonl`."""
        step = int(line["step"])
        if not self._has_begun:
            self._open = [_opened(name, self._folder, step) for name in self._names]
            self._has_begun = True
        figures = {name: value for name, value in line.items() if name != "step"}
        self._each(lambda tracker: tracker.log(step, figures))

    def show(self, step: int, picture: str) -> None:
        """Give all of them a picture, by the path of its file."""
        self._each(lambda tracker: tracker.show(step, picture))

    def _each(self, act: Callable[[Tracking], None]) -> None:
        """Do something with each; one that fails is left out from then on: it ends no training."""
        for tracker in tuple(self._open):
            try:
                act(tracker)
            except Exception as error:  # noqa: BLE001 - of a library of others, whatever it is
                _LOG.warning("%s fails and is left out: %r", type(tracker).__name__, error)
                self._open.remove(tracker)

    def close(self) -> None:
        """Have them write what is left."""
        with ExitStack() as stack:
            for tracker in self._open:
                stack.enter_context(closing(tracker))


def _opened(name: Tracker, folder: str, first_step: int) -> Tracking:
    if name == "tensorboard":
        return TensorBoard(files.local_path(files.join(folder, name)), first_step)
    return WeightsAndBiases(files.local_path(folder), folder)
