"""The dedupe stage as a value: a selection without duplicates and without worn-out captions."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.dedupe.config import DedupeConfig, dependencies, settings
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.material import Material, line, section
from pipelines.paths import counted_from, scorer_from
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import Cost, Facts, Job, PipelineWork, Reads, Stage, Writes
from pipelines.views import View


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.dedupe.against import open_all
    from pipelines.dedupe.pipeline import build
    from pipelines.dedupe.runs import Runs

    runs = Runs(job.task.num_shards, open_all(job.config, job.task.root))
    return build(tasks, runs, job.config, in_parts=job.runtime.is_remote)


def _relocate(config: DedupeConfig, folder: str) -> DedupeConfig:
    found: dict[str, Any] = {"against": tuple(counted_from(folder, url) for url in config.against)}
    if config.embedding is not None:
        scorer = scorer_from(folder, config.embedding.scorer)
        found["embedding"] = config.embedding.model_copy(update={"scorer": scorer})
    return config.model_copy(update=found)


def _dependencies(config: DedupeConfig, _provided: Mapping[str, str]) -> dict[str, str]:
    from pipelines.dedupe.against import digests

    return dependencies(config) | digests(config)


def _misfit(config: DedupeConfig, facts: Facts) -> str:
    from pipelines.dedupe.against import misfit

    return misfit(config, facts)


def _views(folder: StageFolder, manifest: Manifest, config: DedupeConfig) -> Iterable[View]:
    from pipelines.dedupe.gallery import galleries

    return galleries(folder, manifest, config)


def _begins(material: Material) -> str:
    """Captions that are trusted may be shared, such as the names of classes."""
    if material.keeps_all:
        return line("dedupe: false", "near duplicates are wanted, too")
    if material.captions != "own":
        return ""
    most = DedupeConfig().max_images_per_caption
    setting = "  max_images_per_caption: 1000000"
    return section("dedupe", line(setting, f"they may share captions; {most} by default"))


STAGE = Stage(
    name="dedupe",
    about="images without exact and near duplicates",
    config=DedupeConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(SELECTION, SELECTION_SCHEMA),
    work=PipelineWork(_build),
    cost=Cost(
        cpu_s=130e-6,
        stored_bytes=62,
        shuffled_bytes=520,
        shuffled_elsewhere_bytes=2300,  # of a hundred million rows: each view goes to six parts
        held_bytes=30,  # likewise: the largest part has 3 % of the views, of 1 kB each
        source="docs/benchmarks.md; `python -m tests.support.many_images 1000000`; shuffled: "
        "`python -m benchmarks.shuffle`",
    ),
    settings=settings,
    dependencies=_dependencies,
    relocate=_relocate,
    views=_views,
    begins=_begins,
    misfit=_misfit,
)
