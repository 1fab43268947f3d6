"""The zero-shot stage as a value: images for captions that no training has seen."""

from collections.abc import Iterable, Mapping
from typing import Any

from dalle_model.progress import OnStep
from pipelines import best_of
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.paths import counted_from
from pipelines.records import CODEC, PRIOR, ZERO_SHOT
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
from pipelines.zero_shot.config import ZeroShotConfig

FILE = "zero_shot.parquet"
SHEET = "zero_shot.png"
IMAGES_OF_A_ROW = ("picture", "sample")


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model import files
    from pipelines.zero_shot.draw import sample_held_out

    found = sample_held_out(job.task, job.config, on_step)
    files.write_bytes(job.task.folder.file(FILE), found.table)
    files.write_bytes(job.task.folder.file(SHEET), found.sheet)
    return LocalResult((FILE, SHEET), found.metrics)


def _settings(config: ZeroShotConfig) -> dict[str, Any]:
    """Without the path of the shards, whose content counts."""
    return {name: value for name, value in best_of.settings(config).items() if name != "world"}


def _dependencies(config: ZeroShotConfig, provided: Mapping[str, str]) -> dict[str, str]:
    from dalle_model.data.index import read_index
    from dalle_model.shards import list_shards

    world = {"world": read_index(list_shards(config.world)).sha256}
    return versions("torch", "tokenizers")(config, provided) | world | best_of.dependencies(config)


def _relocate(config: ZeroShotConfig, folder: str) -> ZeroShotConfig:
    located = config.model_copy(update={"world": counted_from(folder, config.world)})
    return located.relocated(folder)


def _views(folder: StageFolder, manifest: Manifest, config: ZeroShotConfig) -> Iterable[View]:
    from pipelines.io.parquet import read_table

    score = manifest.metrics
    about = (
        "A small world: pictures that combine a few attributes, such as who, what and which tone. "
        "Every attribute was seen in training, and every two of them together, but never these "
        f"combinations. {score['right']} of {score['captions']} samples show what the caption "
        f"says ({score['rate']:.1%}): they are nearest to the picture of their caption among all "
        f"{score['gallery']:,} emoji (chance {score['chance']:.3%}), or, of rendered shapes, a "
        "checker reads it out of the image. Left the picture that belongs to the caption, as its "
        "tokens hold it, right the sample; captions in red failed."
    )
    items = [
        GalleryItem(
            caption=shown,
            images={name: row[name] for name in IMAGES_OF_A_ROW},
            is_marked=not row["is_right"],
        )
        for row, shown in best_of.shown_captions(read_table(folder.file(FILE)))
    ]
    gallery = Gallery("Captions that the prior has never seen", about, items)
    return [
        *best_of.curves(config, score, "What it gains to choose, of captions never seen"),
        gallery,
    ]


STAGE = Stage(
    name="zero_shot",
    about="images for captions that no training has seen, and how many show what they say",
    config=ZeroShotConfig,
    reads={CODEC: Reads(count="maybe"), PRIOR: Reads()},
    writes=Writes(ZERO_SHOT, file=FILE),
    work=LocalWork(_run, is_training=False),
    is_default=False,
    dependencies=_dependencies,
    settings=_settings,
    relocate=_relocate,
    views=_views,
)
