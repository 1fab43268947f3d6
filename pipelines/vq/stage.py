"""The vq stage as a value: a VQ-VAE of patches trained on the images that survived."""

from collections.abc import Mapping

from dalle_model.progress import OnStep
from pipelines.records import (
    CODEC,
    CODEC_SIDE,
    GRID,
    IMAGE_RESAMPLE,
    IMAGE_SCHEMA,
    IMAGE_SIDE,
    IMAGES,
    NUM_CODES,
    SELECTION,
    SELECTION_SCHEMA,
    WANTED_SIDE,
)
from pipelines.stage import (
    Facts,
    Job,
    LocalResult,
    LocalWork,
    Reads,
    Stage,
    Writes,
    versions,
)
from pipelines.vq.config import VqStageConfig

FILE = "vq.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.config import FIRST_RESAMPLE
    from dalle_model.train.vq import train_from_images
    from pipelines.io.squares import surviving_squares

    config: VqStageConfig = job.config
    resample = job.facts.get(IMAGE_RESAMPLE, FIRST_RESAMPLE)
    images = surviving_squares(job.task, config.side, resample)
    url = job.task.folder.file(FILE)
    metrics = train_from_images(images, url, config.model, config.training, on_step, resample)
    return LocalResult((FILE,), metrics)


def _facts(config: VqStageConfig, _provided: Mapping[str, str]) -> Facts:
    return {
        CODEC_SIDE: config.side,
        WANTED_SIDE: config.side,
        GRID: config.grid,
        NUM_CODES: config.model.num_codes,
    }


def _misfit(config: VqStageConfig, facts: Facts) -> str:
    image = facts.get(IMAGE_SIDE, 0)
    if not image or image >= config.side:
        return ""
    return (
        f"images are stored at {image} px, below the {config.side} px of vq.model.image_shape; "
        f"set images.side to {config.side} or more, or make that shape smaller"
    )


STAGE = Stage(
    name="vq",
    about="a codec trained on the run's images: a VQ-VAE of patches",
    config=VqStageConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CODEC, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch"),
    facts=_facts,
    misfit=_misfit,
)
