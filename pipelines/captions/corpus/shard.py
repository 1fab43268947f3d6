"""The two visits to a shard: filter and count, then drop what fails over all data and write."""

from collections.abc import Iterable

import pyarrow as pa

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus import notes
from pipelines.captions.corpus.dropping import drop
from pipelines.captions.corpus.rule import ShardCaptions
from pipelines.captions.corpus.tally import Tally, merge
from pipelines.captions.funnel import CorpusSteps, Funnel
from pipelines.captions.recipe import load_funnel
from pipelines.captions.result import FilterResult
from pipelines.captions.shard import filter_candidates, read_texts, shard_result
from pipelines.io.task import ShardResult, StageTask


def count_shard(task: StageTask, index: int, config: CaptionsConfig) -> dict[str, Tally]:
    """Filter and count a shard, unless this very work did so before.

    Returns:
        What the shard adds to the counts of each rule over all data; what is left is noted.
    """
    if notes.is_noted(task, index):
        return notes.read_tallies(task, index)
    funnel = load_funnel(config.recipe, config.overrides)
    texts = read_texts(task, index)
    filtered = filter_candidates(texts, funnel)
    counted = tallies(shard_captions(texts, filtered, funnel), funnel.corpus_steps)
    notes.write_filtered(task, index, filtered)
    notes.write_tallies(task, index, counted)
    return counted


def drop_shard(
    task: StageTask, index: int, failing: Iterable[tuple[str, Tally]], config: CaptionsConfig
) -> ShardResult:
    """The end of a shard, once all shards are counted.

    Args:
        task: the stage's work; what the rules on single captions left of the shard is noted.
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
    captions = shard_captions(texts, notes.read_filtered(task, index), funnel)
    return shard_result(task, index, texts, drop(captions, by_rule, funnel.corpus_steps))


def shard_captions(candidates: pa.Table, filtered: FilterResult, funnel: Funnel) -> ShardCaptions:
    """A shard as rules over all data see it; of the table, `key` and `caption` are used."""
    return ShardCaptions(
        keys=candidates["key"],
        raw=candidates["caption"],
        filtered=filtered,
        spec=funnel.spec,
        max_raw_chars=funnel.max_raw_chars,
    )


def tallies(captions: ShardCaptions, steps: CorpusSteps) -> dict[str, Tally]:
    """What a shard adds to the counts over all data, by rule."""
    return {rule.name: rule.count(captions) for rule, _ in steps}
