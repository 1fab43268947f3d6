"""The captions of a finished stage, rule by rule: counts, rates, samples and published rates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.funnel import Funnel
from pipelines.captions.published import published_rates
from pipelines.captions.recipe import entry_sources, load_funnel, load_recipe
from pipelines.captions.survey import survey
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.io.parquet import read_table
from pipelines.views import RuleFunnel, RuleRow, Sample

SAMPLES = 3  # chosen: captions shown on either side of each limit
MAX_SURVEYED = 20_000  # chosen: captions kept that samples are taken from; a second or two
BINS = 30  # chosen: bars of a distribution, as wide as its column in the report


@dataclass(frozen=True)
class _Limit:
    """A rule of a recipe in the funnel's order."""

    name: str
    section: str
    limit: float
    source: str


def rule_funnel(folder: StageFolder, manifest: Manifest, config: CaptionsConfig) -> RuleFunnel:
    """What the recipe of a config made of the candidates of a run.

    Args:
        folder: of the stage.
        manifest: of its finished work, by that very config.
        config: recipe and overrides.

    Raises:
        RecipeError: the recipe is gone or wrong.
        UnreadableShardError: a shard is missing or corrupt.
    """
    rules = list(_rows(folder, manifest, config))
    return RuleFunnel(
        recipe=config.recipe,
        about=load_recipe(config.recipe).about,
        rows_in=manifest.rows_in,
        rows_out=manifest.rows_out,
        rules=rules,
        published=published_rates(config.recipe, _left(rules, manifest)),
    )


def _rows(folder: StageFolder, manifest: Manifest, config: CaptionsConfig) -> Iterator[RuleRow]:
    funnel = load_funnel(config.recipe, config.overrides)
    surveyed = survey(_raw_captions(folder, manifest), funnel)
    rejected = read_rejected(folder, manifest, ["reason", "caption", "measured"])
    left = manifest.rows_in
    for limit in _limits(config, funnel):
        dropped = rejected.filter(pc.equal(rejected["reason"], limit.name))
        is_surveyed = limit.name in surveyed.measured
        values = surveyed.measured[limit.name].tolist() if is_surveyed else []
        bars, low, high = _bars([*values, *_numbers(dropped["measured"])])
        yield RuleRow(
            name=limit.name,
            section=limit.section,
            limit=limit.limit,
            source=limit.source,
            rows_in=left,
            dropped=len(dropped),
            kept_samples=surveyed.nearest(limit.name, limit.limit, SAMPLES) if is_surveyed else [],
            dropped_samples=_nearest_dropped(dropped, limit.limit),
            bars=bars,
            low=low,
            high=high,
        )
        left -= len(dropped)


def _limits(config: CaptionsConfig, funnel: Funnel) -> list[_Limit]:
    """The rules in the order in which they are applied, each with its source."""
    sources = entry_sources(config.recipe) | dict.fromkeys(config.overrides, "captions.overrides")
    steps = [("rules", rule.name, limit) for rule, limit in funnel.steps]
    steps += [("transformed", rule.name, limit) for rule, limit in funnel.rewritten_steps]
    steps += [("data", name, limit) for name, limit in funnel.data.items()]
    return [_Limit(name, section, limit, sources[name]) for section, name, limit in steps]


def _raw_captions(folder: StageFolder, manifest: Manifest) -> list[str]:
    """Of the first shards that are kept, as found; a shard is a random part of all rows."""
    found: list[str] = []
    for entry in manifest.files:
        if len(found) >= MAX_SURVEYED:
            break
        url = folder.file(entry["name"])
        found += read_table(url, ["raw_caption"])["raw_caption"].to_pylist()
    return found[:MAX_SURVEYED]


def _nearest_dropped(rows: pa.Table, limit: float) -> list[Sample]:
    """Different captions nearest to the limit; of equally near ones the first in the alphabet."""
    pairs = set(zip(rows["caption"].to_pylist(), rows["measured"].to_pylist(), strict=True))

    def order(pair: Sample) -> tuple[float, str]:
        return (np.inf if pair[1] is None else abs(pair[1] - limit), pair[0])

    return sorted(pairs, key=order)[:SAMPLES]


def _numbers(column: pa.ChunkedArray) -> Iterable[float]:
    return (value for value in column.to_pylist() if value is not None)


def _bars(values: list[float]) -> tuple[list[float], float, float]:
    """How values are spread, without the farthest hundredth of them, and where the bars lie."""
    finite = np.asarray([value for value in values if np.isfinite(value)])
    if len(finite) == 0 or finite.min() == finite.max():
        return [], 0.0, 0.0
    low, high = np.quantile(finite, [0.0, 0.99])
    counts, _ = np.histogram(finite, BINS, (low, max(high, low + 1e-9)))
    return (counts / counts.max()).tolist(), float(low), float(high)


def _left(rules: list[RuleRow], manifest: Manifest) -> dict[str, Any]:
    """Rows before and after each section of the recipe."""
    left: dict[str, Any] = {}
    for row in rules:
        first, _ = left.get(row.section, (row.rows_in, 0))
        left[row.section] = (first, row.rows_in - row.dropped)
    left["all"] = (manifest.rows_in, manifest.rows_out)
    return left
