"""The rules of a recipe applied again to one row, as far as the row alone tells."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipelines.io.keys import shard_of
from pipelines.io.task import StageTask
from pipelines.rejection import Check
from pipelines.select.config import SelectConfig
from pipelines.select.recipe import CLUSTER, LANGUAGE, SCORE, Judged, Rule
from pipelines.select.run_rows import column_of, image_rows, with_columns
from pipelines.stage import Row

NOT_STORED = "by all rows of the run; what was settled is not stored"


def checks(task: StageTask, row: Row, config: SelectConfig) -> list[Check]:
    """The rules in their order, up to the first that drops the row.

    Args:
        task: the finished stage, with its inputs.
        row: kept or dropped.
        config: with which it was judged.
    """
    rows = image_rows(task, shard_of(row["key"], task.num_shards))
    rows = rows.filter(pc.equal(rows["key"], row["key"]))
    columns = {column_of(config, name) for name in (SCORE, CLUSTER, LANGUAGE)}
    carried = columns - set(rows.column_names)
    survey = config.chosen.survey(config)
    rules = config.chosen.rules(config, None if survey is None else survey.unsettled())
    return list(_checks(rules, with_columns(rows, config, carried), row))


def _checks(rules: tuple[Rule, ...], rows: Any, row: Row) -> Iterator[Check]:
    for rule in rules:
        if rule.reason == row.get("reason"):
            return  # the caller has it as it was recorded
        if rule.is_of_all:
            yield Check(rule.reason, passed=True, detail=NOT_STORED)
        else:
            yield _check(rule, rule.judge(rows))


def _check(rule: Rule, judged: Judged) -> Check:
    value = None if judged.measured is None else float(judged.measured[0])
    measured = value if value is not None and np.isfinite(value) else None
    detail = judged.details[0] if judged.details else ""
    return Check(rule.reason, bool(judged.passes[0]), measured, rule.limit, detail)
