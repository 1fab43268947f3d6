"""The select stage as a value: the images that a published recipe keeps."""

from collections.abc import Sequence
from typing import Any

from pipelines.io.task import StageTask
from pipelines.io.uids import KeptRows
from pipelines.records import CARRIED, IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.rejection import Check
from pipelines.select.config import (
    SelectConfig,
    dependencies,
    fingerprint_config,
    notices,
    relocated,
)
from pipelines.stage import Job, PipelineWork, Reads, Row, Stage, Writes


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.select.pipeline import build

    return build(tasks, job.config, tuple(job.facts.get(CARRIED, ())))


def _checks(task: StageTask, row: Row, config: SelectConfig) -> list[Check]:
    from pipelines.select.explain import checks

    return checks(task, row, config)


def _on_tables(tables: Sequence[str], config: SelectConfig | None) -> KeptRows:
    from pipelines.select.tables import kept_rows

    return kept_rows(tables, config)


STAGE = Stage(
    name="select",
    about="images that a published recipe keeps",
    config=SelectConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(SELECTION, SELECTION_SCHEMA),
    work=PipelineWork(_build),
    is_default=False,
    settings=fingerprint_config,
    dependencies=lambda config, _: dependencies(config),
    relocate=relocated,
    checks=_checks,
    notices=notices,
    heeds=(CARRIED,),
    on_tables=_on_tables,
)
