"""The dvae stage as a value: OpenAI's dVAE trained on the images that survived."""

from functools import partial

from dalle_model.progress import OnStep
from pipelines.dvae.config import DvaeStageConfig
from pipelines.io.trained_codec import codec_facts, too_small, train_on_survivors
from pipelines.records import CODEC, IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import Job, LocalResult, LocalWork, Reads, Stage, Writes, versions

FILE = "dvae.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.train.dvae import train_from_images  # loads torch

    sizes, settings = job.config.model, job.config.training
    train = partial(train_from_images, config=sizes, settings=settings, on_step=on_step)
    return LocalResult((FILE,), train_on_survivors(job.task, FILE, sizes, job.facts, train))


STAGE = Stage(
    name="dvae",
    about="a codec trained on the run's images: OpenAI's dVAE",
    config=DvaeStageConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CODEC, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch"),
    facts=lambda config, _: codec_facts(config.model),
    misfit=lambda _, facts: too_small(facts, "dvae.model.side", "make that side smaller"),
)
