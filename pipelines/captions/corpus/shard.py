"""The two visits to a shard: judge and count, then drop what fails over all data and write."""

from collections.abc import Iterable

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus import notes
from pipelines.captions.corpus.counting import tallies
from pipelines.captions.corpus.dropping import drop
from pipelines.captions.corpus.tally import Tally, merge
from pipelines.captions.recipe import load_funnel
from pipelines.captions.shard import judge_all, read_texts, shard_result
from pipelines.io.task import ShardResult, StageTask


def count_shard(task: StageTask, index: int, config: CaptionsConfig) -> dict[str, Tally]:
    """Judge and count a shard, unless this very work did so before.

    Returns:
        What the shard adds to the counts of each data rule; its verdicts are noted.
    """
    if notes.is_noted(task, index):
        return notes.read_tallies(task, index)
    funnel = load_funnel(config.recipe, config.overrides)
    texts = read_texts(task, index)
    verdicts = judge_all(texts, funnel)
    counted = tallies(texts, verdicts, funnel)
    notes.write_verdicts(task, index, verdicts)
    notes.write_tallies(task, index, counted)
    return counted


def drop_shard(
    task: StageTask, index: int, failing: Iterable[tuple[str, Tally]], config: CaptionsConfig
) -> ShardResult:
    """The end of a shard, once all shards are counted.

    Args:
        task: the stage's work; the shard's verdicts are noted.
        index: of the shard.
        failing: rules with hashes that fail, from any number of ranges; any order.
        config: the recipe.
    """
    funnel = load_funnel(config.recipe, config.overrides)
    parts: dict[str, list[Tally]] = {}
    for name, tally in failing:
        parts.setdefault(name, []).append(tally)
    by_rule = {name: merge(found) for name, found in parts.items()}
    texts = read_texts(task, index)
    verdicts = drop(notes.read_verdicts(task, index), texts["caption"], by_rule, funnel)
    return shard_result(task, index, texts, verdicts)
