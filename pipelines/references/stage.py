"""The references stage as a value: sets of images that rows are compared with, described."""

from collections.abc import Mapping
from typing import Any

from dalle_model.clip.registry import scorer_facts
from dalle_model.progress import OnStep
from pipelines.image_sets.listing import ImageSetError, list_set, location_of, set_digest
from pipelines.paths import counted_from, scorer_from
from pipelines.records import REFERENCE_SCORER, REFERENCES
from pipelines.references.config import ReferencesConfig
from pipelines.stage import (
    Facts,
    Job,
    LocalResult,
    LocalWork,
    Stage,
    Writes,
    plain_settings,
    versions,
)

FILE = "references.parquet"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from pipelines.references.describe import write_references

    config: ReferencesConfig = job.config
    embedder = None
    if config.scorer is not None:
        from pipelines.io.embedders import load_embedder

        embedder = load_embedder(config.scorer)
    url = job.task.folder.file(FILE)
    counts = write_references(url, config.sets, embedder, lambda done: on_step(done, done, {}))
    return LocalResult((FILE,), counts)


def _settings(config: ReferencesConfig) -> dict[str, Any]:
    """Without the paths of the sets, whose content counts."""
    values = plain_settings(config)
    sets = [{k: v for k, v in one.items() if k != "path"} for one in values["sets"]]
    return values | {"sets": sets}


def _dependencies(config: ReferencesConfig, provided: Mapping[str, str]) -> dict[str, str]:
    if not config.sets:
        raise ImageSetError(
            "references.sets is empty, and a stage reads what it describes; name a set, such as "
            "`references: {sets: [{path: coco, name: coco_val}]}`"
        )
    found = versions("numpy", "pillow")(config, provided)
    found |= {f"set {one.name}": set_digest(one) for one in config.sets}
    return found if config.scorer is None else found | scorer_facts(config.scorer)


def _relocate(config: ReferencesConfig, folder: str) -> ReferencesConfig:
    sets = tuple(
        one.model_copy(update={"path": counted_from(folder, one.path)}) for one in config.sets
    )
    scorer = None if config.scorer is None else scorer_from(folder, config.scorer)
    return config.model_copy(update={"sets": sets, "scorer": scorer})


def _outside(config: ReferencesConfig) -> list[str]:
    return [location_of(one, name) for one in config.sets for name in list_set(one)]


def _facts(config: ReferencesConfig, _provided: Mapping[str, str]) -> Facts:
    return {} if config.scorer is None else {REFERENCE_SCORER: config.scorer}


STAGE = Stage(
    name="references",
    about="sets of images that rows are compared with, described",
    config=ReferencesConfig,
    writes=Writes(REFERENCES, file=FILE),
    work=LocalWork(_run, is_training=False),
    is_default=False,
    settings=_settings,
    dependencies=_dependencies,
    relocate=_relocate,
    outside=_outside,
    facts=_facts,
)
