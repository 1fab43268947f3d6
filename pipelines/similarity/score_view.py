"""How the scores of a run are spread, on either side of the limits, and captions near them."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.io.parquet import read_table
from pipelines.similarity.config import SimilarityConfig
from pipelines.similarity.shard import BELOW_MIN, NOT_BEST
from pipelines.views import Curves, View

BINS = 40  # chosen: each some 10 pixels wide
MAX_ROWS = 200_000  # that are read of the rows kept; chosen: some 10 MB, of whole shards
NEAREST = 3  # captions on either side of a limit; chosen: as many as the captions stage shows
MAX_CHARS = 60  # of a caption that is quoted; chosen: half a line

Values = NDArray[np.float64]


def score_views(
    folder: StageFolder, manifest: Manifest, config: SimilarityConfig
) -> Iterator[View]:
    """The scores of a run for the report; nothing of a run in which none was given.

    Args:
        folder: of the stage.
        manifest: of its finished work.
        config: of the stage.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    kept, share = _kept(folder, manifest, config.column)
    dropped = read_rejected(folder, manifest, ["reason", "caption", "measured", "threshold"])
    dropped = dropped.filter(pc.is_valid(dropped["measured"]))
    scores, lost = _values(kept, config.column), _values(dropped, "measured")
    both = np.concatenate([scores, lost])
    if not len(both):
        return
    edges = np.linspace(both.min(), max(both.max(), both.min() + 1e-6), BINS + 1)
    yield Curves(
        title=f"Scores: {config.column}",
        about=" ".join(_about(kept, dropped, config)),
        x="score",
        y="rows",
        steps=((edges[1:] + edges[:-1]) / 2).tolist(),
        lines={
            "kept": (np.histogram(scores, edges)[0] / share).tolist(),
            "dropped": np.histogram(lost, edges)[0].tolist(),
        },
    )


def _kept(folder: StageFolder, manifest: Manifest, column: str) -> tuple[pa.Table, float]:
    """Captions and scores of whole shards, and which share of all rows they are."""
    tables: list[pa.Table] = []
    for entry in manifest.files:
        if sum(table.num_rows for table in tables) >= MAX_ROWS:
            break
        tables.append(read_table(folder.file(entry["name"]), ["caption", column]))
    found = pa.concat_tables(tables)
    return found, found.num_rows / manifest.rows_out if manifest.rows_out else 1.0


def _values(table: pa.Table, column: str) -> Values:
    return np.asarray(table[column].to_numpy(), np.float64)


def _about(kept: pa.Table, dropped: pa.Table, config: SimilarityConfig) -> Iterator[str]:
    """Sentences: who scored, where the limits are, and what is nearest to them."""
    yield f"By the scorer {config.scorer}."
    for reason, what in ((BELOW_MIN, "Below `min`"), (NOT_BEST, "Not among the best")):
        mine = dropped.filter(pc.equal(dropped["reason"], reason))
        if not mine.num_rows:
            continue
        limits = sorted(set(mine["threshold"].to_pylist()))
        said = " or ".join(f"{limit:.4g}" for limit in limits)
        yield f"{what}, {said}: {mine.num_rows:,} rows, of which the nearest are"
        yield f"{_quoted(mine, 'measured', is_best=True)}."
    if dropped.num_rows and kept.num_rows:
        yield f"Kept, and nearest to being dropped: {_quoted(kept, config.column, is_best=False)}."


def _quoted(table: pa.Table, column: str, *, is_best: bool) -> str:
    pairs = zip(table[column].to_pylist(), table["caption"].to_pylist(), strict=True)
    ordered: Sequence[tuple[float, str]] = sorted(set(pairs), reverse=is_best)[:NEAREST]
    return ", ".join(f"\u201c{text[:MAX_CHARS]}\u201d ({score:.4f})" for score, text in ordered)
