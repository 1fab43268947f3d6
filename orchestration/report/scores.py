"""How the scores of selections are spread, and which images are nearest to their limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.io.parquet import read_table
from pipelines.io.selections import images_of
from pipelines.stage import Score
from pipelines.views import GalleryItem, Spread

NEAREST = 8  # chosen: rows shown on either side of a limit, two lines of a wide screen together
MOST_LIMITS = 4  # chosen: of several languages, say; more lines are not told apart
MOST_SHARDS = 64  # chosen: of some million rows, of which a chart of 60 bars shows no more


@dataclass(frozen=True)
class _Rows:
    """Rows with the value of one score.

    Args:
        table: `key`, `caption`, and `value`, which is float64.
        is_dropped: whether the selection dropped them.
    """

    table: pa.Table
    is_dropped: bool

    @property
    def values(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.table["value"].to_numpy(), np.float64)

    def nearest(self, limit: float) -> list[tuple[float, bool, str, str]]:
        """Value, whether dropped, key and caption of the rows nearest to a limit."""
        distance = np.abs(self.values - limit)
        places = np.lexsort((np.asarray(self.table["key"]), distance))[:NEAREST]
        rows = self.table.take(pa.array(places)).to_pylist()
        return [(row["value"], self.is_dropped, row["key"], row["caption"]) for row in rows]


def spreads(
    folder: StageFolder, manifest: Manifest, scores: Sequence[Score], images: StageFolder | None
) -> Iterator[Spread]:
    """A view of each score of a finished selection.

    Args:
        folder: of the selection.
        manifest: its own.
        scores: numbers among its columns.
        images: of the images stage; None where its rows were freed: then no image is shown.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    rejected = read_rejected(folder, manifest)
    for score in scores:
        kept, dropped = _kept(folder, manifest, score), _dropped(rejected, score)
        limits = _limits(score, rejected)
        yield Spread(
            title=f"{manifest.stage}: {score.column}",
            about=_about(manifest, limits, len(dropped.table)),
            x=score.column,
            kept=kept.values,
            dropped=dropped.values,
            limits=limits,
            nearest=_items([kept, dropped], limits, images) if images else (),
        )


def _limits(score: Score, rejected: pa.Table) -> list[float]:
    """Those that its section fixes, else those by which rows were dropped, as of a share."""
    limits = [limit for limit in (score.lowest, score.highest) if limit is not None]
    mine = rejected.filter(pc.equal(rejected["reason"], score.reason))
    found = pc.unique(mine["threshold"]).drop_null().to_pylist()
    return limits or sorted(found)[:MOST_LIMITS]


def _about(manifest: Manifest, limits: Sequence[float], num_dropped: int) -> str:
    shards = min(manifest.num_shards, MOST_SHARDS)
    part = f" of the first {shards:,} shards" if shards < manifest.num_shards else ""
    if not limits:
        return f"Rows{part} by their value; it has no limit, so that none is dropped for it."
    told = " and ".join(f"{limit:g}" for limit in limits)
    return (
        f"Rows{part} by their value; {num_dropped:,} are beyond the limit {told}. Below, the rows "
        "nearest to it on either side, those that were dropped in red."
    )


def _kept(folder: StageFolder, manifest: Manifest, score: Score) -> _Rows:
    numbers = range(min(manifest.num_shards, MOST_SHARDS))
    columns = ["key", "caption", score.column]
    tables = [read_table(folder.part(number), columns).select(columns) for number in numbers]
    return _Rows(_with_value(pa.concat_tables(tables), score.column), is_dropped=False)


def _dropped(rejected: pa.Table, score: Score) -> _Rows:
    rows = rejected.filter(pc.equal(rejected["reason"], score.reason))
    return _Rows(_with_value(rows, "measured"), is_dropped=True)


def _with_value(table: pa.Table, column: str) -> pa.Table:
    """Rows whose value is known, with the value as float64."""
    values = table[column].cast(pa.float64())
    named = table.select(["key", "caption"]).append_column("value", values)
    return named.filter(pc.is_finite(pc.fill_null(values, np.nan)))


def _items(
    rows: Sequence[_Rows], limits: Sequence[float], images: StageFolder
) -> list[GalleryItem]:
    found = {near[2]: near for limit in limits for part in rows for near in part.nearest(limit)}
    pictures = images_of(images, found)
    return [
        GalleryItem(f"{value:.3g}  {caption}", {"": pictures[key]}, is_dropped)
        for value, is_dropped, key, caption in sorted(found.values())
        if key in pictures
    ]
