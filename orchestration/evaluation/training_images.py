"""The images that a run keeps for training, compared with a set by the stages that do so."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from dalle_model import files
from dalle_model.errors import UsageError
from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.registry import registry
from pipelines.io.cleaned import is_freed, remedy
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.task import BatchedResult, Result, StageTask
from pipelines.records import (
    CONTAMINATION,
    IMAGES,
    REFERENCE_SCORER,
    REFERENCES,
    SELECTION,
)
from pipelines.stage import Job, LocalWork, ShardWork, Stage

OnStep = Callable[[int, int, Mapping[str, float]], None]


class OverlapError(UsageError):
    """A run cannot be compared with a set: which one, and what to do."""


@dataclass(frozen=True)
class Compared:
    """What a run is compared with.

    Args:
        url: of the file that describes the set.
        scorer: whose vectors it holds; empty where it holds none.
    """

    url: str
    scorer: str


def described(
    path: str, name: str, captions: str, scorer: str, out: str, on_step: OnStep
) -> Compared:
    """Describe a set below `out`, by the stage that does so.

    Args:
        path: of the set.
        name: of it.
        captions: of the set, where its layout has several.
        scorer: whose vectors are described too; empty for none.
        out: URL of the folder to write to.
        on_step: called with each image.
    """
    stage = _one(stage for stage in registry().values() if stage.writes.role == REFERENCES)
    one = {"path": path, "name": name, "captions": captions}
    config = stage.config.model_validate({"sets": [one], "scorer": scorer or None})
    assert isinstance(stage.work, LocalWork)  # as it is written
    task = StageTask(out, stage.name, 0, "overlap", "overlap", ())
    stage.work.run(Job(task, config), on_step)
    return Compared(task.folder.file(stage.writes.file), scorer)


def known_in(root: str) -> Compared:
    """The sets that a run itself has described.

    Raises:
        OverlapError: it has described none.
    """
    graph, run = _opened(root)
    writers = graph.writers(REFERENCES)
    url = graph.url(REFERENCES, run)
    if not writers or url is None or not files.exists(url):
        raise OverlapError(f"{root} has no section `references`; name a set with --reference")
    facts = graph.facts(writers[-1])
    return Compared(url, str(facts.get(REFERENCE_SCORER, "")))


def matches(
    root: str, with_: Compared, limits: Mapping[str, float], out: str, on_step: OnStep
) -> Iterator[dict[str, Any]]:
    """Each match of an image that a run keeps, with its `key` and `caption`.

    Args:
        root: URL of the run directory.
        with_: what it is compared with.
        limits: settings of the stage that compares.
        out: URL of a folder; nothing is written there.
        on_step: called with each shard.

    Raises:
        OverlapError: the run keeps no images, or they were freed.
    """
    graph, run = _opened(root)
    stage = _one(stage for stage in registry().values() if REFERENCES in stage.reads)
    config = stage.config.model_validate({"drop": "none", **limits})
    selections = tuple(run.stage(one.name).url for one in graph.writers(SELECTION))
    images = (images_folder(root).url,)
    inputs = {IMAGES: images, SELECTION: selections, REFERENCES: (with_.url,)}
    numbers = tuple(range(run.num_shards))
    fingerprint = str(files.identity(with_.url)["stamp"])
    task = StageTask(out, stage.name, run.num_shards, "overlap", fingerprint, numbers, inputs)
    job = Job(task, config, facts={REFERENCE_SCORER: with_.scorer} if with_.scorer else {})
    assert isinstance(stage.work, ShardWork)  # as it is written
    for index in numbers:
        yield from _of_shard(stage.work.process(job, index))
        on_step(index + 1, run.num_shards, {})


def images_folder(root: str) -> StageFolder:
    """The folder of the images that a run has stored.

    Raises:
        OverlapError: there are none, or a selection of them is not finished.
    """
    graph, run = _opened(root)
    writers = graph.writers(IMAGES)
    for stage in (*writers, *graph.writers(SELECTION)):
        folder = run.stage(stage.name)
        if is_freed(folder):
            raise OverlapError(f"{root}: {remedy(stage.name)}")
        if read_manifest(folder) is None:
            raise OverlapError(f"{root}: {stage.name} is not finished; `dalle run` goes on")
    if not writers:
        raise OverlapError(f"{root} is a run without images, so that none can be compared")
    return run.stage(writers[-1].name)


def _of_shard(result: Result) -> Iterator[dict[str, Any]]:
    batches = result.batches if isinstance(result, BatchedResult) else [result]
    for batch in batches:
        rows = batch.kept.filter(pc.is_valid(batch.kept[CONTAMINATION]))
        for row in rows.to_pylist():
            for match in json.loads(row[CONTAMINATION]):
                yield {"key": row["key"], "caption": row["caption"], **match}


def _opened(root: str) -> tuple[Graph, RunFolder]:
    config = load_run_config(root)
    return Graph.of(config), RunFolder(root, config.num_shards)


def _one(found: Iterable[Stage]) -> Stage:
    return next(iter(found))
