"""The clip stage as a value: a CLIP trained on the pairs that survived."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from dalle_model.config import FIRST_RESAMPLE
from dalle_model.progress import OnStep
from dalle_model.shards import image_of
from pipelines.clip.config import ClipStageConfig
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.selections import surviving_rows
from pipelines.io.task import StageTask
from pipelines.io.trained_codec import image_source
from pipelines.io.training import (
    HISTORY,
    curves_of,
    missing_tracker_of,
    read_history,
    write_history,
)
from pipelines.records import (
    CLIP,
    IMAGE_RESAMPLE,
    IMAGE_SCHEMA,
    IMAGE_SIDE,
    IMAGES,
    SELECTION,
    SELECTION_SCHEMA,
)
from pipelines.stage import Facts, Job, LocalResult, LocalWork, Reads, Stage, Writes, versions
from pipelines.views import View

FILE = "clip.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.train.clip import PairSource, train_from_pairs  # loads torch
    from dalle_model.train.watch import Logs

    folder = job.task.folder
    source = PairSource(image_source(job.task), partial(surviving_captions, job.task))
    metrics = train_from_pairs(
        source,
        folder.file(FILE),
        job.config.model,
        job.config.training,
        on_step,
        job.facts.get(IMAGE_RESAMPLE, FIRST_RESAMPLE),
        Logs(folder.logs),
    )
    write_history(folder)
    return LocalResult((FILE, HISTORY), metrics)


def surviving_captions(task: StageTask) -> Mapping[str, Sequence[str]]:
    """The captions of each image that survived, in key order, by the image's part of the key."""
    found: dict[str, list[str]] = {}
    for index in range(task.num_shards):
        rows = surviving_rows(task, index, ["key", "caption"])
        for key, caption in zip(rows["key"].to_pylist(), rows["caption"].to_pylist(), strict=True):
            found.setdefault(image_of(key), []).append(caption)
    return found


def _misfit(config: ClipStageConfig, facts: Facts) -> str:
    if trackers := missing_tracker_of("clip", config.training):
        return trackers
    image, own = facts.get(IMAGE_SIDE, 0), config.model.image_size
    if not image or image >= own:
        return ""
    return (
        f"images are stored at {image} px, below the {own} px of clip.model.image_size; set "
        f"images.side to {own} or more, or make that size smaller"
    )


def _views(folder: StageFolder, _manifest: Manifest, _config: ClipStageConfig) -> Iterable[View]:
    history = read_history(folder)
    loss = {"loss": "loss", "of held-out pairs": "held_out_loss"}
    about = "How hard it is to tell an image's caption from others of its step, or held out."
    yield from curves_of(history, "Training of the CLIP", about, "nats", loss)
    shares = {"AUC": "held_out_auc", "best of 256": "held_out_recall"}
    about = "How often an own caption scores higher than another's, and than 255 of them."
    yield from curves_of(history, "Training of the CLIP: held-out pairs", about, "share", shares)


STAGE = Stage(
    name="clip",
    about="a scorer trained on the run's pairs: a CLIP",
    config=ClipStageConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(CLIP, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    dependencies=versions("torch", "open_clip_torch"),
    views=_views,
    misfit=_misfit,
)
