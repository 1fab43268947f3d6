"""The samples stage as a value: images for captions of the training set, and how good they are."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from dalle_model.progress import OnStep
from pipelines import best_of
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.records import (
    CODEC,
    IMAGE_SCHEMA,
    IMAGES,
    PRIOR,
    SAMPLES,
    SELECTION,
    SELECTION_SCHEMA,
    TOKENIZER,
    TOKENS,
)
from pipelines.samples.config import SamplesConfig
from pipelines.stage import (
    Job,
    LocalResult,
    LocalWork,
    Reads,
    Stage,
    Writes,
    versions,
)
from pipelines.views import Gallery, GalleryItem, View

FILE = "samples.parquet"
SHEET = "samples.png"
IMAGES_OF_A_ROW = ("original", "reconstruction", "sample")


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model import files
    from pipelines.samples.draw import sample_training_captions

    samples = sample_training_captions(job.task, job.config, on_step)
    files.write_bytes(job.task.folder.file(FILE), samples.table)
    files.write_bytes(job.task.folder.file(SHEET), samples.sheet)
    return LocalResult((FILE, SHEET), asdict(samples.score) | samples.gains)


def _dependencies(config: SamplesConfig, provided: Mapping[str, str]) -> dict[str, str]:
    return versions("torch", "tokenizers")(config, provided) | best_of.dependencies(config)


def _views(folder: StageFolder, manifest: Manifest, config: SamplesConfig) -> Iterable[View]:
    from pipelines.io.parquet import read_table

    score = manifest.metrics
    about = (
        f"{score['on_own_image']} of {score['captions']} captions seen in training land on their "
        f"own image ({score['rate']:.1%}): it is the nearest of all {score['gallery']:,} images of "
        f"the run. Chance is {score['chance']:.3%}. From left to right: original, what its tokens "
        "hold, sample; captions in red landed on another image."
    )
    items = [
        GalleryItem(
            caption=shown,
            images={name: row[name] for name in IMAGES_OF_A_ROW},
            is_marked=not row["is_own"],
        )
        for row, shown in best_of.shown_captions(read_table(folder.file(FILE)))
    ]
    gallery = Gallery("Samples next to the captions that asked for them", about, items)
    return [*best_of.curves(config, score, "What it gains to choose a sample"), gallery]


STAGE = Stage(
    name="samples",
    about="images for captions of the training set, and how many land on their own",
    config=SamplesConfig,
    reads={
        IMAGES: Reads(IMAGE_SCHEMA),
        SELECTION: Reads(SELECTION_SCHEMA, "any"),
        TOKENS: Reads(),
        CODEC: Reads(count="maybe"),
        TOKENIZER: Reads(),
        PRIOR: Reads(),
    },
    writes=Writes(SAMPLES, file=FILE),
    work=LocalWork(_run, is_training=False),
    is_default=False,
    dependencies=_dependencies,
    settings=best_of.settings,
    relocate=lambda config, folder: config.relocated(folder),
    views=_views,
)
