"""What stages that train share: where a training is seen, and its curves in the report."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

from dalle_model import files
from dalle_model.training_settings import Training
from pipelines.io.layout import StageFolder
from pipelines.records import GRID, NUM_CODES, TEXT_VOCAB
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


def misfit_of_sizes(
    section: str,
    grid: int | None,
    image_vocab: int | None,
    text_vocab: int | None,
    facts: Mapping[str, Any],
) -> str:
    """Why a model of image tokens cannot be trained on what the stages before it make; or empty.

    Args:
        section: of the model, which is called so, too.
        grid: tokens along one edge; None where the codec's are taken.
        image_vocab: codes; likewise.
        text_vocab: text tokens; likewise those of the text tokenizer.
        facts: of the codec and the text tokenizer.
    """
    if facts.get(GRID, grid) is None:
        return (
            f"the view `aspect` of encode.views gives rows token shapes of their own, and a "
            f"{section} is trained on one grid; leave `aspect` out, or train no {section} in this "
            "run"
        )
    for name, size, fact in (
        ("grid", grid, facts.get(GRID)),
        ("image_vocab", image_vocab, facts.get(NUM_CODES)),
    ):
        if None not in (size, fact) and size != fact:
            return (
                f"{name} is {size} in the config and {fact} in the codec; set "
                f"{section}.model.{name} to {fact}, leave it out, or take another codec"
            )
    tokens = facts.get(TEXT_VOCAB)
    if text_vocab is None or tokens is None or tokens <= text_vocab:
        return ""
    return (
        f"there is room for {text_vocab} text tokens, and the text tokenizer may have {tokens}; "
        f"set {section}.model.text_vocab to {tokens}, leave it out, or set bpe.vocab_size to "
        f"{text_vocab}"
    )
