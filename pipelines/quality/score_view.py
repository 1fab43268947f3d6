"""How the scores of a run are spread, and where the limits lie, for the report."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel

from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.io.parquet import read_table
from pipelines.quality.config import ScoresConfig
from pipelines.quality.scorer import Rule
from pipelines.views import Curves, View

MAX_ROWS = 100_000  # kept rows that are counted; chosen: a fraction of a second
BINS = 40  # chosen: a curve that is smooth for some hundred images

Numbers = NDArray[np.float64]


def score_views(folder: StageFolder, manifest: Manifest, config: ScoresConfig) -> Iterator[View]:
    """A histogram for each column of numbers; nothing of a run without rows.

    Args:
        folder: of the stage.
        manifest: of its finished work, by that very config.
        config: which scorers, and their limits.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    if not manifest.rows_in:
        return
    dropped = read_rejected(folder, manifest, ["reason", "measured"])
    for scorer, section in config.asked():
        numbers = [c.name for c in scorer.columns(section) if not pa.types.is_list(c.type)]
        kept = _kept(folder, manifest, numbers)
        for name in numbers:
            rule = next((rule for rule in scorer.rules if rule.column == name), None)
            gone = _measured(dropped, rule)
            about = _said(rule, section, len(gone))
            yield from _histogram(f"{scorer.name}: {name}", about, kept[name], gone)


def _kept(folder: StageFolder, manifest: Manifest, names: list[str]) -> dict[str, Numbers]:
    """The values of the first shards; a shard is a random part of all rows."""
    tables: list[pa.Table] = []
    for entry in manifest.files:
        if sum(table.num_rows for table in tables) < MAX_ROWS:
            tables.append(read_table(folder.file(entry["name"]), names))
    found = pa.concat_tables(tables)
    return {name: np.asarray(found[name].to_numpy(), np.float64) for name in names}


def _measured(dropped: pa.Table, rule: Rule | None) -> Numbers:
    rows = dropped.filter(pc.equal(dropped["reason"], rule.reason if rule else ""))
    return np.asarray(rows["measured"].drop_null().to_numpy(), np.float64)


def _said(rule: Rule | None, section: BaseModel, dropped: int) -> str:
    limit = rule and getattr(section, rule.setting)
    if rule is None or limit is None:
        return "No limit is set."
    end = "below" if rule.is_least else "above"
    return f"{dropped:,} rows {end} the limit of {limit:g} are dropped as {rule.reason}."


def _histogram(title: str, about: str, kept: Numbers, gone: Numbers) -> Iterator[Curves]:
    values = np.concatenate([kept, gone])
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    lines = {"kept": np.histogram(kept, edges)[0].tolist()}
    if len(gone):
        lines["dropped"] = np.histogram(gone, edges)[0].tolist()
    yield Curves(title, about, "score", "rows", ((edges[:-1] + edges[1:]) / 2).tolist(), lines)
