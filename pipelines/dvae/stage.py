"""The dvae stage as a value: a codec trained on the images that survived."""

from dalle_model.progress import OnStep
from pipelines.dvae.config import DvaeConfig
from pipelines.records import CODEC, IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import (
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
    from dalle_model.config import DVAE_PRESETS
    from dalle_model.train.dvae import train_from_images
    from pipelines.io.squares import surviving_squares

    shape = DVAE_PRESETS[job.config.preset]
    images = surviving_squares(job.task, shape.side)
    url = job.task.folder.file(FILE)
    metrics = train_from_images(images, url, shape, job.config.training, on_step)
    return LocalResult((FILE,), metrics)


STAGE = Stage(
    name="dvae",
    about="a codec trained on the run's images",
    config=DvaeConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CODEC, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch"),
)
