"""A codec that a stage trains on the images that survived, whichever kind it is of."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dalle_model.config import FIRST_RESAMPLE
from dalle_model.token_shape import square_edge
from pipelines.io.layout import StageFolder
from pipelines.io.task import StageTask
from pipelines.io.training import curves_of, read_history, write_history
from pipelines.records import (
    CODEC_SIDE,
    GRID,
    IMAGE_RESAMPLE,
    IMAGE_SIDE,
    NUM_CODES,
    WANTED_SIDE,
)
from pipelines.views import Curves


class Sizes(Protocol):
    """What the config of a model says of its images, which are squares, and of its codes."""

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""

    @property
    def token_shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def num_codes(self) -> int:
        """Every code is below it."""


def train_on_survivors(
    task: StageTask,
    file: str,
    sizes: Sizes,
    facts: Mapping[str, Any],
    train: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    """Train on the images that survived; what was measured.

    Args:
        task: of the stage.
        file: the name of the checkpoint.
        sizes: of the model.
        facts: of the stages before it, which say how images were scaled.
        train: writes the checkpoint, given images, its URL, as `resample` their filter, and as
            `logs` where the training is seen.

    Raises:
        ImagesError: no images survive, or too few.
    """
    from dalle_model.train.watch import Logs  # loads torch
    from pipelines.io.squares import surviving_squares  # loads what decodes images

    resample = facts.get(IMAGE_RESAMPLE, FIRST_RESAMPLE)
    images = surviving_squares(task, square_edge("images", sizes.image_shape), resample)
    logs = Logs(task.folder.logs)
    metrics = train(images, task.folder.file(file), resample=resample, logs=logs)
    write_history(task.folder)
    return metrics


def codec_curves(folder: StageFolder, name: str, terms: Mapping[str, str]) -> list[Curves]:
    """What a codec's training shows of itself in the report.

    Args:
        folder: of the stage.
        name: of the model.
        terms: names of the parts of the loss, by what they are called.
    """
    history = read_history(folder)
    return [
        *curves_of(
            history,
            f"Training of the {name}",
            "The loss and its parts, before their weights, for each value of the images or codes.",
            "loss",
            {"loss": "loss", **terms},
        ),
        *curves_of(
            history,
            f"Training of the {name}: held-out images",
            "How near the reconstructions of images come that it is not trained on.",
            "dB",
            {"PSNR": "held_out_psnr"},
        ),
    ]


def codec_facts(sizes: Sizes) -> dict[str, Any]:
    """What the config of a model fixes of what is encoded with it."""
    side = square_edge("images", sizes.image_shape)
    return {
        CODEC_SIDE: side,
        WANTED_SIDE: side,
        GRID: square_edge("tokens", sizes.token_shape),
        NUM_CODES: sizes.num_codes,
    }


def too_small(facts: Mapping[str, Any], of: str, smaller: str) -> str:
    """That images are stored smaller than the codec's, if so.

    Args:
        facts: of the stages before it, and its own.
        of: what fixes the codec's size.
        smaller: what to do for a smaller one.
    """
    image, codec = facts.get(IMAGE_SIDE, 0), facts.get(CODEC_SIDE, 0)
    if not image or image >= codec:
        return ""
    return (
        f"images are stored at {image} px, below the {codec} px of {of}; set images.side to "
        f"{codec} or more, or {smaller}"
    )
