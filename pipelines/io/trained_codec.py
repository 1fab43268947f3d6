"""A codec that a stage trains on the images that survived, whichever kind it is of."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from dalle_model.config import FIRST_RESAMPLE
from dalle_model.token_shape import square_edge
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.manifest_groups import digest_of
from pipelines.io.task import StageTask
from pipelines.io.training import curves_of, read_history, write_history
from pipelines.records import (
    CODEC_SIDE,
    GRID,
    IMAGE_RESAMPLE,
    IMAGE_SIDE,
    IMAGES,
    NUM_CODES,
    SELECTION,
    WANTED_SIDE,
)
from pipelines.views import Curves

if TYPE_CHECKING:
    from dalle_model.train.images import ImageSource


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
    facts: Mapping[str, Any],
    train: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    """Train on the images that survived; what was measured.

    Args:
        task: of the stage.
        file: the name of the checkpoint.
        facts: of the stages before it, which say how images were scaled.
        train: writes the checkpoint, given where images come from, its URL, as `resample` their
            filter, and as `logs` where the training is seen.

    Raises:
        ImagesError: no images survive, or too few.
    """
    from dalle_model.train.watch import Logs  # loads torch

    source = image_source(task)
    resample = facts.get(IMAGE_RESAMPLE, FIRST_RESAMPLE)
    logs = Logs(task.folder.logs)
    metrics = train(source, task.folder.file(file), resample=resample, logs=logs)
    write_history(task.folder)
    return metrics


def image_source(task: StageTask) -> "ImageSource":
    """The images that survived, for a training."""
    from dalle_model.train.images import ImageSource  # loads what decodes images
    from pipelines.io.squares import surviving_images

    return ImageSource(task.url(IMAGES), _digest(task), partial(surviving_images, task))


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
        *curves_of(
            history,
            f"Training of the {name}: use of the codes",
            "How many codes are in use, and the exponential of the entropy of their shares.",
            "codes",
            {"in use": "codes_used", "perplexity": "perplexity"},
        ),
    ]


def codec_facts(sizes: Sizes, wanted: int | None = None) -> dict[str, Any]:
    """What the config of a model fixes of what is encoded with it.

    Args:
        sizes: of the model.
        wanted: the shorter edge that images need as stored to be trained on, in pixels; that of the
            model where none is given.
    """
    side = square_edge("images", sizes.image_shape)
    return {
        CODEC_SIDE: side,
        WANTED_SIDE: wanted or side,
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


def _digest(task: StageTask) -> str:
    """Of the images that survive: of their stage and of the filters after it."""
    folders = [task.input(IMAGES), *task.all_inputs(SELECTION)]
    manifests = [read_manifest(folder) for folder in folders]
    return digest_of([task.fingerprint if one is None else one.digest for one in manifests])
