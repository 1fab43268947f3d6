"""The dvae stage as a value: OpenAI's dVAE trained on the images that survived."""

from collections.abc import Iterable, Mapping
from functools import partial

from dalle_model.data.augment import edge_needed
from dalle_model.progress import OnStep
from dalle_model.token_shape import square_edge
from pipelines.dvae.config import DvaeStageConfig
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

FILE = "dvae.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.train.dvae import train_from_images  # loads torch

    sizes, settings = job.config.model, job.config.training
    train = partial(train_from_images, config=sizes, settings=settings, on_step=on_step)
    metrics = train_on_survivors(job.task, FILE, job.facts, train)
    return LocalResult((FILE, HISTORY), metrics)


def _facts(config: DvaeStageConfig, _provided: Mapping[str, str]) -> Facts:
    side = square_edge("dvae.model: images", config.model.image_shape)
    return codec_facts(config.model, edge_needed(config.training.augment, side))


def _misfit(config: DvaeStageConfig, facts: Facts) -> str:
    trackers = missing_tracker_of("dvae", config.training)
    return trackers or too_small(facts, "dvae.model.side", "make that side smaller")


def _views(folder: StageFolder, _manifest: Manifest, _config: DvaeStageConfig) -> Iterable[View]:
    return codec_curves(folder, "dVAE", {"- log-likelihood": "nll", "KL": "kl"})


STAGE = Stage(
    name="dvae",
    about="a codec trained on the run's images: OpenAI's dVAE",
    config=DvaeStageConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CODEC, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch"),
    facts=_facts,
    views=_views,
    misfit=_misfit,
)
