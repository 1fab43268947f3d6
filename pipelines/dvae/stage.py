"""The dvae stage as a value: a codec trained on the images that survived."""

from collections.abc import Mapping

from dalle_model.progress import OnStep
from pipelines.dvae.config import DvaeConfig
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

FILE = "dvae.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.config import DVAE_PRESETS, FIRST_RESAMPLE
    from dalle_model.train.dvae import train_from_images
    from pipelines.io.squares import surviving_squares

    shape = DVAE_PRESETS[job.config.preset]
    resample = job.facts.get(IMAGE_RESAMPLE, FIRST_RESAMPLE)
    images = surviving_squares(job.task, shape.side, resample)
    url = job.task.folder.file(FILE)
    metrics = train_from_images(images, url, shape, job.config.training, on_step, resample)
    return LocalResult((FILE,), metrics)


def _facts(config: DvaeConfig, _provided: Mapping[str, str]) -> Facts:
    from dalle_model.config import DVAE_PRESETS

    shape = DVAE_PRESETS[config.preset]
    return {
        CODEC_SIDE: shape.side,
        WANTED_SIDE: shape.side,
        GRID: shape.grid,
        NUM_CODES: shape.num_codes,
    }


def _misfit(config: DvaeConfig, facts: Facts) -> str:
    image, codec = facts.get(IMAGE_SIDE, 0), facts.get(CODEC_SIDE, 0)
    if not image or image >= codec:
        return ""
    return (
        f"images are stored at {image} px, below the {codec} px of the preset {config.preset!r}; "
        f"set images.side to {codec} or more, or take another dvae.preset"
    )


STAGE = Stage(
    name="dvae",
    about="a codec trained on the run's images",
    config=DvaeConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CODEC, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch"),
    facts=_facts,
    misfit=_misfit,
)
