"""The captions stage as a value: candidates whose caption passes a recipe."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.captions.config import CaptionsConfig, counted_from, dependencies, settings
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.material import Material, line, section
from pipelines.io.task import StageTask
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, CAPTION_SCHEMA, CAPTIONS
from pipelines.rejection import Check
from pipelines.stage import (
    Cost,
    Job,
    PipelineWork,
    Reads,
    Recipes,
    Row,
    Stage,
    TextTrace,
    Writes,
)
from pipelines.views import View


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.captions.pipeline import build

    return build(tasks, job.config)


def _checks(task: StageTask, row: Row, config: CaptionsConfig) -> list[Check]:
    from pipelines.captions.corpus.explain import explain_row

    return explain_row(task, row, config)


def _locations(config: CaptionsConfig) -> Mapping[str, str]:
    from pipelines.captions.locations import limit_locations

    return limit_locations(config)


def _views(folder: StageFolder, manifest: Manifest, config: CaptionsConfig) -> Iterable[View]:
    from pipelines.captions.funnel_view import rule_funnel

    return [rule_funnel(folder, manifest, config)]


def _known() -> list[str]:
    from pipelines.captions.recipe import known_recipes

    return known_recipes()


def _trace(text: str, config: CaptionsConfig) -> TextTrace:
    from pipelines.captions.corpus.explain import explain_text

    return TextTrace(*explain_text(text, config))


def _begins(material: Material) -> str:
    """The recipe for what is already chosen is that without rules; for the web, the default one."""
    others = line("", ", ".join(name for name in _known() if name != "none"))
    if material.captions == "web" and not material.keeps_all:
        setting = f"  recipe: {CaptionsConfig().recipe}"
        return section(
            "captions", line(setting, "or another one; `dalle recipes` compares"), others
        )
    why = "there are none to judge" if material.captions == "none" else "every caption is kept"
    why += "; for those of the web one of"
    return section("captions", line("  recipe: none", why), others)


STAGE = Stage(
    name="captions",
    about="candidates to normalised captions, by a recipe",
    config=CaptionsConfig,
    reads={CANDIDATES: Reads(CANDIDATE_SCHEMA)},
    writes=Writes(CAPTIONS, CAPTION_SCHEMA),
    work=PipelineWork(_build),
    cost=Cost(
        cpu_s=14.5e-6,
        stored_bytes=76,
        source="docs/benchmarks.md; `python -m benchmarks captions`",
    ),
    settings=settings,
    dependencies=lambda config, _: dependencies(config),
    relocate=lambda config, folder: counted_from(folder, config),
    checks=_checks,
    locations=_locations,
    recipes=Recipes(
        known=_known,
        chosen=lambda config, name: config.model_copy(update={"recipe": name}),
        name=lambda config: str(config.recipe),
        trace=_trace,
    ),
    views=_views,
    begins=_begins,
)
