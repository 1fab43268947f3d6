"""The label_overlap stage as a value: a selection of the images whose captions name what they show.

Source: Sharma et al. 2018 (Conceptual Captions), section 3, image and text-based filtering.
"""

from typing import Any

from pipelines.io.task import StageTask
from pipelines.label_overlap.config import (
    NO_OVERLAP,
    LabelOverlapConfig,
    dependencies,
    relocated,
    settings,
)
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.rejection import Check
from pipelines.stage import Cost, Job, PipelineWork, Reads, Row, Score, Stage, Writes


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.label_overlap.pipeline import build

    return build(tasks, job.config)


def _checks(_task: StageTask, row: Row, config: LabelOverlapConfig) -> list[Check]:
    from pipelines.label_overlap.shard import checks_of

    return checks_of(row, config)


STAGE = Stage(
    name="label_overlap",
    about="images whose captions name what a classifier sees",
    config=LabelOverlapConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(SELECTION),
    work=PipelineWork(_build),
    is_default=False,
    settings=settings,
    dependencies=lambda config, _: dependencies(config),
    relocate=relocated,
    checks=_checks,
    cost=Cost(
        cpu_s=190e-6,
        stored_bytes=60,
        shuffled_bytes=130,
        source="10,000 real texts with ten labels each, read from JSONL and matched",
        assumes="with a table; a classifier takes what it takes, an image at a time",
    ),
    scores=lambda config: [Score("label_overlap", NO_OVERLAP, config.min_overlap)],
)
