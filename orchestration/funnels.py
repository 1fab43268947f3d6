"""The captions stage of a run, rule by rule: counts, rates, samples and published rates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from orchestration.config import load_run_config
from orchestration.manifest import Manifest, read_manifest
from orchestration.published import Rates, published_rates
from orchestration.recipes import compared
from pipelines.captions.config import CaptionsConfig, dependencies
from pipelines.io.parquet import read_table

STAGE = "captions"
SAMPLES = 3  # chosen: captions shown on either side of each limit
MAX_SURVEYED = 20_000  # chosen: captions kept that samples are taken from; a second or two
BINS = 30  # chosen: bars of a distribution, as wide as its column in the report

Sample = tuple[str, float | None]


@dataclass(frozen=True)
class RuleRow:
    """One rule in the table of a recipe.

    Args:
        name: of the rule.
        section: of the recipe.
        limit: the last value that passes.
        source: of the limit.
        rows_in: captions that the rules before it left.
        dropped: by it.
        kept_samples, dropped_samples: captions nearest to the limit, with the values measured.
        bars: how the values are spread, each bar 0..1 of the highest; empty where all are one.
        low, high: values at the first and the last bar.
    """

    name: str
    section: str
    limit: float
    source: str
    rows_in: int
    dropped: int
    kept_samples: Sequence[Sample]
    dropped_samples: Sequence[Sample]
    bars: list[float]
    low: float
    high: float

    @property
    def share_dropped(self) -> float:
        return self.dropped / self.rows_in if self.rows_in else 0.0


@dataclass(frozen=True)
class CaptionFunnel:
    """What one recipe made of one crawl."""

    recipe: str
    about: str
    rows_in: int
    rows_out: int
    rules: list[RuleRow]
    published: list[Rates]


@dataclass(frozen=True)
class _Limit:
    """A rule of a recipe in the funnel's order."""

    name: str
    section: str
    limit: float
    source: str


@dataclass(frozen=True)
class _Measured:
    """Samples and values of one rule, of kept and of dropped captions."""

    kept: Sequence[Sample]
    dropped: Sequence[Sample]
    values: list[float]


def funnels(root: str) -> list[CaptionFunnel]:
    """Of every recipe that the run was compared by, else of its own.

    None before captions are judged, and none of a recipe that has changed since or is gone.
    """
    places = list(compared(root).values()) or [root]
    manifests = ((place, read_manifest(place, STAGE)) for place in places)
    judged = [(place, manifest) for place, manifest in manifests if manifest]
    return [_funnel(*pair) for pair in judged if _is_as_it_was(*pair)]


def _is_as_it_was(root: str, manifest: Manifest) -> bool:
    """Whether the run's recipe still says what its captions were judged by."""
    from pipelines.captions.assembly import RecipeError

    config = load_run_config(root).captions
    try:
        now = dependencies(config)
    except RecipeError:
        return False
    return now == manifest.dependencies and config.overrides == manifest.config["overrides"]


def _funnel(root: str, manifest: Manifest) -> CaptionFunnel:
    from pipelines.captions.recipe import load_recipe

    config = load_run_config(root).captions
    limits = _limits(config)
    measured = _measured(root, manifest, config, limits)
    rules = list(_rows(limits, manifest, measured))
    return CaptionFunnel(
        recipe=config.recipe,
        about=load_recipe(config.recipe).about,
        rows_in=manifest.rows_in,
        rows_out=manifest.rows_out,
        rules=rules,
        published=published_rates(config.recipe, _left(rules, manifest)),
    )


def _limits(config: CaptionsConfig) -> list[_Limit]:
    """The rules in the order in which they are applied, each with its source."""
    from pipelines.captions.recipe import load_funnel, load_recipe

    recipe, funnel = load_recipe(config.recipe), load_funnel(config.recipe, config.overrides)
    steps = [("rules", rule.name, limit) for rule, limit in funnel.steps]
    steps += [("transformed", rule.name, limit) for rule, limit in funnel.rewritten_steps]
    steps += [("data", name, limit) for name, limit in funnel.data.items()]
    sources = {
        name: entry.source
        for section in ("rules", "transformed", "data")
        for name, entry in getattr(recipe, section).items()
    }
    return [
        _Limit(
            name,
            section,
            limit,
            "captions.overrides"
            if name in config.overrides
            else sources.get(name.removeprefix("transformed_"), ""),
        )
        for section, name, limit in steps
    ]


def _rows(
    limits: list[_Limit], manifest: Manifest, measured: Mapping[str, _Measured]
) -> Iterator[RuleRow]:
    left = manifest.rows_in
    for limit in limits:
        dropped = manifest.rejected.get(limit.name, 0)
        found = measured[limit.name]
        bars, low, high = _bars(found.values)
        yield RuleRow(
            name=limit.name,
            section=limit.section,
            limit=limit.limit,
            source=limit.source,
            rows_in=left,
            dropped=dropped,
            kept_samples=found.kept,
            dropped_samples=found.dropped,
            bars=bars,
            low=low,
            high=high,
        )
        left -= dropped


def _measured(
    root: str, manifest: Manifest, config: CaptionsConfig, limits: list[_Limit]
) -> dict[str, _Measured]:
    from pipelines.captions.recipe import load_funnel
    from pipelines.captions.survey import survey

    kept = _raw_captions(root, manifest)
    surveyed = survey(kept, load_funnel(config.recipe, config.overrides))
    rejected = _rejected(root, manifest)
    found = {}
    for limit in limits:
        dropped = rejected.filter(pc.equal(rejected["reason"], limit.name))
        values = surveyed.measured.get(limit.name, np.empty(0))
        has_values = limit.name in surveyed.measured
        found[limit.name] = _Measured(
            kept=surveyed.nearest(limit.name, limit.limit, SAMPLES) if has_values else [],
            dropped=_nearest_dropped(dropped, limit.limit),
            values=[*values.tolist(), *_numbers(dropped["measured"])],
        )
    return found


def _raw_captions(root: str, manifest: Manifest) -> list[str]:
    """Of the first shards that are kept, as found; a shard is a random part of all rows."""
    found: list[str] = []
    for entry in manifest.files:
        if len(found) >= MAX_SURVEYED:
            break
        url = files.join(root, STAGE, entry["name"])
        found += read_table(url, ["raw_caption"])["raw_caption"].to_pylist()
    return found[:MAX_SURVEYED]


def _rejected(root: str, manifest: Manifest) -> pa.Table:
    columns = ["reason", "caption", "measured"]
    urls = [files.join(root, STAGE, entry["name"]) for entry in manifest.rejected_files]
    return pa.concat_tables([read_table(url, columns) for url in urls])


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
