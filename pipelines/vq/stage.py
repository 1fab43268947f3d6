"""The vq stage as a value: a VQ-VAE of patches trained on the images that survived."""

from functools import partial

from dalle_model.progress import OnStep
from pipelines.io.trained_codec import codec_facts, too_small, train_on_survivors
from pipelines.records import CODEC, IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import Job, LocalResult, LocalWork, Reads, Stage, Writes, versions
from pipelines.vq.config import VqStageConfig

FILE = "vq.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.train.vq import train_from_images  # loads torch

    sizes, settings = job.config.model, job.config.training
    train = partial(train_from_images, config=sizes, settings=settings, on_step=on_step)
    return LocalResult((FILE,), train_on_survivors(job.task, FILE, sizes, job.facts, train))


STAGE = Stage(
    name="vq",
    about="a codec trained on the run's images: a VQ-VAE of patches",
    config=VqStageConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CODEC, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch"),
    facts=lambda config, _: codec_facts(config.model),
    misfit=lambda _, facts: too_small(facts, "vq.model.image_shape", "make that shape smaller"),
)
