"""What stages that train share: where a training is seen, and its curves in the report."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

from dalle_model import files
from dalle_model.training_settings import Training
from pipelines.io.layout import StageFolder
from pipelines.views import Curves

HISTORY = "history.json"  # of a finished training: means of its figures over some steps each


def write_history(folder: StageFolder) -> None:
    """Keep the curves of a training that has ended, without seconds, as a part of its result."""
    from dalle_model.train.recorder import FILE, curves, read_lines  # loads torch

    files.write_json(folder.file(HISTORY), curves(read_lines(files.join(folder.logs, FILE))))


def read_history(folder: StageFolder) -> list[dict[str, Any]]:
    """The curves of a training, by step; none of one that an older version has finished."""
    url = folder.file(HISTORY)
    return list(files.read_json(url)) if files.exists(url) else []


def curves_of(
    history: Sequence[Mapping[str, float]], title: str, about: str, y: str, lines: Mapping[str, str]
) -> list[Curves]:
    """One plot of some figures; none where there are none.

    Args:
        history: of the training.
        title: heading of the section.
        about: a sentence below it.
        y: name of the axis.
        lines: names of figures, by what they are called in the plot.
    """
    found = {
        label: [point.get(name, nan) for point in history]
        for label, name in lines.items()
        if any(name in point for point in history)
    }
    if not found:
        return []
    return [Curves(title, about, "step", y, [point["step"] for point in history], found)]


def missing_tracker_of(section: str, training: Training) -> str:
    """That a tracker of a section is not installed, and how it is; empty where all are."""
    from dalle_model.train.trackers import missing_tracker

    problem = missing_tracker(training.trackers)
    return f"{section}.training.trackers: {problem}" if problem else ""
