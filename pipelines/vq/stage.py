"""The vq stage as a value: a VQ-VAE of patches trained on the images that survived."""

from collections.abc import Iterable
from functools import partial

from dalle_model.progress import OnStep
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.trained_codec import (
    codec_curves,
    codec_facts,
    too_small,
    train_on_survivors,
)
from pipelines.io.training import HISTORY, missing_tracker_of
from pipelines.records import CODEC, IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import Facts, Job, LocalResult, LocalWork, Reads, Stage, Writes, versions
from pipelines.views import View
from pipelines.vq.config import VqStageConfig

FILE = "vq.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.train.vq import train_from_images  # loads torch

    sizes, settings = job.config.model, job.config.training
    train = partial(train_from_images, config=sizes, settings=settings, on_step=on_step)
    metrics = train_on_survivors(job.task, FILE, job.facts, train)
    return LocalResult((FILE, HISTORY), metrics)


def _misfit(config: VqStageConfig, facts: Facts) -> str:
    trackers = missing_tracker_of("vq", config.training)
    return trackers or too_small(facts, "vq.model.image_shape", "make that shape smaller")


def _views(folder: StageFolder, _manifest: Manifest, _config: VqStageConfig) -> Iterable[View]:
    return codec_curves(folder, "VQ-VAE", {"squared error": "mse", "commitment": "commitment"})


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
    views=_views,
    misfit=_misfit,
)
