"""The quality stage as a value: a selection by what scorers see in the images."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

import pyarrow as pa
from pydantic import BaseModel

from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.quality.config import QualityConfig, ScoresConfig, dependencies
from pipelines.quality.registry import registry
from pipelines.quality.scorer import Scorer
from pipelines.records import IMAGE_SCHEMA, IMAGE_SIDE, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.rejection import Check
from pipelines.stage import Cost, Facts, Job, Reads, Row, Score, ShardWork, Stage, Writes

DECODING_S = 1.2e-3  # of a stored PNG of 256 px
COST = Cost(
    cpu_s=DECODING_S,
    stored_bytes=70,
    source="docs/quality.md; `python -m benchmarks quality`",
    assumes="images of 256 px",
)


def _process(job: Job, index: int) -> BatchedResult:
    from pipelines.quality.shard import score_shard

    result = score_shard(job.task, index, job.config)
    said = _seen_small(job.config, job.facts)
    if not said or index:
        return result
    warning = ShardResult(result.schema.empty_table(), [], rows_in=0, warnings=said)
    return replace(result, batches=chain([warning], result.batches))


def _seen_small(config: ScoresConfig, facts: Facts) -> list[str]:
    """That images are stored too small for what a scorer looks for, if so."""
    side = facts.get(IMAGE_SIDE)
    names = [f"`{s.name}`" for s, _ in config.asked() if side is not None and side < s.min_side]
    if not names:
        return []
    return [
        f"images are stored at {side} px, at which {' and '.join(names)} see less than they could "
        "(docs/quality.md); a larger `images.side` lets them"
    ]


def _checks(_task: StageTask, row: Row, config: ScoresConfig) -> list[Check]:
    """The rules on the columns that are known: of a dropped row none are."""
    return [check for scorer, section in config.asked() for check in scorer.checks(row, section)]


def _scores(config: ScoresConfig) -> list[Score]:
    """Every column of numbers, with the limit of the rule on it."""
    return [
        _score(scorer, column.name, section)
        for scorer, section in config.asked()
        for column in scorer.columns(section)
        if not pa.types.is_list(column.type)
    ]


def _score(scorer: Scorer, column: str, section: BaseModel) -> Score:
    rule = next((rule for rule in scorer.rules if rule.column == column), None)
    if rule is None:
        return Score(column)
    limit = getattr(section, rule.setting)
    if rule.is_least:
        return Score(column, rule.reason, lowest=limit)
    return Score(column, rule.reason, highest=limit)


def _cost(config: ScoresConfig, _provided: Mapping[str, str]) -> Cost:
    """By the scorers that are asked for."""
    return replace(COST, cpu_s=DECODING_S + sum(scorer.cpu_s for scorer, _ in config.asked()))


def _notices(config: ScoresConfig) -> list[str]:
    if config.asked():
        return []
    known = ", ".join(f"`{scorer.name}: {{}}`" for scorer in registry())
    return [f"quality names no scorer, so that it keeps every row; there are {known}"]


STAGE = Stage(
    name="quality",
    about="images by what scorers see: blankness, nudity, text, faces",
    config=QualityConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(SELECTION),
    work=ShardWork(_process),
    is_default=False,
    dependencies=lambda config, _: dependencies(config),
    checks=_checks,
    scores=_scores,
    notices=_notices,
    cost=COST,
    cost_of=_cost,
)
