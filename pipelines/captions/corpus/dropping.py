"""Captions left by the rules on single captions, and what fails over all data -> captions kept."""

from collections.abc import Mapping
from dataclasses import replace

from pipelines.captions.corpus.items import failures
from pipelines.captions.corpus.rule import CorpusRule, ShardCaptions
from pipelines.captions.corpus.tally import Tally
from pipelines.captions.funnel import CorpusSteps
from pipelines.captions.result import FilterResult, failure_rows


def drop(captions: ShardCaptions, failing: Mapping[str, Tally], steps: CorpusSteps) -> FilterResult:
    """Let the rules over all data drop captions, in the order of the recipe.

    Args:
        captions: of a shard, filtered by the rules on single captions.
        failing: for each rule that drops something here, the hashes and what was measured.
        steps: the rules and their limits.
    """
    for rule, limit in steps:
        if rule.name in failing:
            filtered = _without_failing(captions, rule, failing[rule.name], limit)
            captions = replace(captions, filtered=filtered)
    return captions.filtered


def _without_failing(
    captions: ShardCaptions, rule: CorpusRule, failing: Tally, limit: float
) -> FilterResult:
    filtered = captions.filtered
    found = failures(rule.items(captions), failing, rule.is_floor)
    rows = filtered.rows[found.captions]
    rejected = failure_rows(rule.name, rows, found.measured, limit, found.details)
    return filtered.without(found.captions, rejected)
