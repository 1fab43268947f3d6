"""Every check of a row of the stage's output, those over all data included.

Counts are stored only for the rows that they drop. For a kept row a rule may count again in the
stage's shards (its `recount`); where that would mean all the work again, the check says only that
the row is within the limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.funnel import CorpusSteps, apply_rules, batch_of
from pipelines.captions.recipe import load_funnel
from pipelines.captions.recount import Recount, Row, StageRows
from pipelines.captions.shard import check_caption, read_texts
from pipelines.io.keys import shard_of
from pipelines.io.parquet import read_table
from pipelines.io.task import StageTask
from pipelines.rejection import Check

NOT_COUNTED = "counted over all data"
NOT_STORED = "within the limit; the value is not stored"


def explain_row(task: StageTask, row: Mapping[str, Any], config: CaptionsConfig) -> list[Check]:
    """The checks of a row in the funnel's order, as its shards show them.

    Args:
        task: the finished stage; of it only root, name and number of shards are used.
        row: kept, with `raw_caption`; or dropped, with `reason`.
        config: with which the row was filtered.
    """
    funnel, rows = load_funnel(config.recipe, config.overrides), _FinishedRows(task)
    recounts = {rule.name: rule.recount for rule, _ in funnel.steps if rule.recount}
    alone = check_caption(row.get("raw_caption", row["caption"]), config)
    checks = [_recounted(check, recounts.get(check.reason), row, rows) for check in alone]
    return [*checks, *_over_data(funnel.corpus_steps, row, rows)]


def explain_text(raw: str, config: CaptionsConfig) -> tuple[list[Check], str]:
    """Every check of a text that need not be in any data, and what the recipe makes of the text.

    The text is that of before the rules where it is dropped.
    """
    funnel = load_funnel(config.recipe, config.overrides)
    checks = check_caption(raw, config)
    checks += [Check(name, True, None, limit, NOT_COUNTED) for name, limit in funnel.data.items()]
    kept = apply_rules(batch_of(raw, funnel), funnel).texts.to_pylist()
    return checks, kept[0] if kept else raw


@dataclass(frozen=True)
class _FinishedRows:
    """The rows of a finished stage, read when a rule counts in them."""

    task: StageTask

    def candidates(self, key: str) -> pa.Table:
        return read_texts(self.task, shard_of(key, self.task.num_shards))

    def kept(self) -> Iterator[pa.Table]:
        task = self.task
        return (read_table(task.part(n), ["key", "caption"]) for n in range(task.num_shards))


def _recounted(check: Check, recount: Recount | None, row: Row, rows: StageRows) -> Check:
    """A check with the value that the caption alone cannot tell."""
    if recount is None:
        return check
    measured = recount(row, rows)
    is_within = check.threshold is None or measured <= check.threshold
    return replace(check, passed=is_within, measured=measured)


def _over_data(steps: CorpusSteps, row: Row, rows: StageRows) -> Iterator[Check]:
    reason = row.get("reason")
    if reason is not None and reason not in {rule.name for rule, _ in steps}:
        return  # dropped before anything was counted
    for rule, limit in steps:
        if rule.name == reason:
            yield Check(rule.name, False, row["measured"], row["threshold"], row["detail"])
            return
        if rule.recount and reason is None:
            yield Check(rule.name, True, rule.recount(row, rows), limit)
        else:
            yield Check(rule.name, True, None, limit, NOT_STORED)
