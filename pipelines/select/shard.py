"""What is done with one shard: counted, asked for values, and judged once all shards were."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.io.task import ShardResult, StageTask
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA
from pipelines.select.config import SelectConfig
from pipelines.select.recipe import Counts, Judged, Outcome, Rule, Settled, Survey, apply
from pipelines.select.run_rows import read_rows

Carried = Collection[str]


def count_shard(task: StageTask, index: int, config: SelectConfig, carried: Carried) -> Counts:
    """What a shard adds to the counts of all data."""
    return survey_of(config).count(read_rows(task, index, config, carried))


def gather_shard(
    task: StageTask, index: int, config: SelectConfig, carried: Carried, counts: Counts
) -> NDArray[np.float64]:
    """Values of a shard that the counts leave open."""
    return survey_of(config).gather(read_rows(task, index, config, carried), counts)


def select_shard(
    task: StageTask, index: int, config: SelectConfig, carried: Carried, settled: Settled = None
) -> ShardResult:
    """The rows of a shard that the recipe keeps, and why it drops the others.

    Args:
        task: of the stage.
        index: of the shard.
        config: with the recipe.
        carried: names of the columns that sources carry.
        settled: by the survey of all shards, where the recipe makes one.
    """
    rows = read_rows(task, index, config, carried)
    outcome = apply(config.chosen.rules(config, settled), rows)
    kept = rows.filter(pa.array(outcome.kept)).select(SELECTION_SCHEMA.names)
    return ShardResult(
        kept.cast(SELECTION_SCHEMA), rejections(rows, outcome, task.stage), len(rows)
    )


def survey_of(config: SelectConfig) -> Survey:
    """The survey of a recipe that makes one."""
    survey = config.chosen.survey(config)
    if survey is None:
        raise ValueError(f"{config.recipe} judges each row alone")
    return survey


def rejections(rows: pa.Table, outcome: Outcome, stage: str) -> pa.Table:
    """The rows that rules dropped, in `REJECTION_SCHEMA`."""
    parts = [_dropped(rows.take(pa.array(n)), r, judged, stage) for r, n, judged in outcome.dropped]
    return pa.concat_tables([REJECTION_SCHEMA.empty_table(), *parts])


def _dropped(rows: pa.Table, rule: Rule, judged: Judged, stage: str) -> pa.Table:
    num_rows = len(rows)
    values = np.full(num_rows, np.nan) if judged.measured is None else judged.measured
    measured = pa.array(values.astype(np.float64), mask=~np.isfinite(values.astype(np.float64)))
    limits = pa.array([rule.limit] * num_rows, pa.float64())
    details = judged.details or [""] * num_rows
    columns = [rows[name] for name in SELECTION_SCHEMA.names]
    added = [[stage] * num_rows, [rule.reason] * num_rows, measured, limits, details]
    return pa.table([*columns, *added], schema=REJECTION_SCHEMA)
