"""What is done with one shard: it is scored, says how its scores are spread, and is written.

Where a share of all rows is kept, that is in several visits. Scores are noted at the first one, as
shards are written, so that a run which was killed goes on from them.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.clip.registry import load_scorer, scorer_facts
from dalle_model.clip.scorer import Scorer
from pipelines.io.parquet import read_table, to_bytes
from pipelines.io.selections import surviving_rows
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA
from pipelines.similarity.best import Counts, Cutoff, are_best, count, digits_of
from pipelines.similarity.config import REASONS, SimilarityConfig
from pipelines.similarity.scoring import detail_of, score_shard

_SCORES = "scores"

Mask = NDArray[np.bool_]


def schema_of(config: SimilarityConfig) -> pa.Schema:
    """Of the rows kept: their scores, and digests of what was scored."""
    score = pa.field(config.column, pa.float32(), nullable=False)
    digest = pa.field(config.digest_column, pa.uint64(), nullable=False)
    return pa.schema([*SELECTION_SCHEMA, score, digest])


def filter_shard(task: StageTask, index: int, config: SimilarityConfig) -> ShardResult:
    """Score a shard and keep what is good enough, whatever other shards hold."""
    return _result(task, index, _scored(task, index, config), config, None)


def note_shard(task: StageTask, index: int, config: SimilarityConfig) -> int:
    """Score a shard, unless this very work did so before; its number.

    Raises:
        UnreadableShardError: the image or the survivor shard is missing or corrupt.
    """
    url = task.note(index, _SCORES)
    if not files.exists(url):
        files.write_bytes(url, to_bytes(_scored(task, index, config)))
    return index


def count_shard(task: StageTask, index: int, cutoff: Cutoff | None) -> Counts:
    """How many rows of a shard that is noted have each next digit, as `best.count`."""
    return count(_digits(read_table(task.note(index, _SCORES), ["key", "score"])), cutoff)


def write_shard(
    task: StageTask, index: int, cutoffs: Iterable[Cutoff], config: SimilarityConfig
) -> ShardResult:
    """The rows kept and dropped of a shard that is noted.

    Args:
        task: of the stage.
        index: of the shard.
        cutoffs: the last row that is kept; none where no row of the run has a score.
        config: of the stage.
    """
    scores = read_table(task.note(index, _SCORES))
    return _result(task, index, scores, config, next(iter(cutoffs), None))


def _scored(task: StageTask, index: int, config: SimilarityConfig) -> pa.Table:
    facts = tuple(sorted(scorer_facts(config.scorer).items()))
    return score_shard(task, index, config, _scorer(config.scorer, facts).score)


@lru_cache(maxsize=1)
def _scorer(name: str, _facts: tuple[tuple[str, str], ...]) -> Scorer:
    """The scorer of a process, loaded again where its file has changed."""
    return load_scorer(name)


def _result(
    task: StageTask, index: int, scores: pa.Table, config: SimilarityConfig, cutoff: Cutoff | None
) -> ShardResult:
    rows = surviving_rows(task, index, SELECTION_SCHEMA.names).select(SELECTION_SCHEMA.names)
    least = _least(scores["language"].to_pylist(), config)
    reason = _reasons(scores, least, cutoff)
    limit = np.where(reason == 2, least, np.nan if cutoff is None else cutoff.score)
    is_kept = pa.array(reason == 0)
    kept = [*rows.filter(is_kept).columns, *(scores[n].filter(is_kept) for n in ("score", "pair"))]
    dropped = np.flatnonzero(reason)
    return ShardResult(
        pa.table(kept, schema=schema_of(config)),
        _rejections(rows, scores, reason, limit, dropped, task.stage, config),
        rows.num_rows,
        reused=int(np.sum(np.asarray(scores["is_known"], bool))),
    )


def _least(languages: list[str], config: SimilarityConfig) -> NDArray[np.float64]:
    """The least score that passes of each row, as the column holds scores; -inf for any."""
    found = [config.least(language) for language in languages]
    return np.array([-np.inf if one is None else np.float32(one) for one in found], np.float64)


def _reasons(
    scores: pa.Table, least: NDArray[np.float64], cutoff: Cutoff | None
) -> NDArray[np.int64]:
    """For each row 0, where it is kept, or the place in `REASONS` of its reason, from 1."""
    has_score = np.asarray(scores["score"].is_valid(), bool)
    values = scores["score"].to_numpy().astype(np.float64)
    is_best = np.ones(len(scores), bool)
    if cutoff is not None:
        is_best[has_score] = are_best(_digits(scores), cutoff)
    return np.select([~has_score, values < least, ~is_best], [1, 2, 3], 0)


def _digits(scores: pa.Table) -> NDArray[np.uint64]:
    valid = scores.filter(scores["score"].is_valid())
    return digits_of(valid["score"].to_numpy(), valid["key"].to_pylist())


def _rejections(
    rows: pa.Table,
    scores: pa.Table,
    reason: NDArray[np.int64],
    limit: NDArray[np.float64],
    dropped: NDArray[np.int64],
    stage: str,
    config: SimilarityConfig,
) -> pa.Table:
    scores, rows = scores.take(dropped), rows.take(dropped)
    named = config.languages
    details = [
        fault or detail_of(pair, language if named else "")
        for fault, pair, language in zip(
            *(scores[name].to_pylist() for name in ("fault", "pair", "language")), strict=True
        )
    ]
    names = [REASONS[number - 1] for number in reason[dropped].tolist()]
    limits = pa.array(np.where(reason[dropped] == 1, np.nan, limit[dropped]), from_pandas=True)
    measured = scores["score"].cast(pa.float64())
    columns = [*rows.columns, [stage] * len(names), names, measured, limits, details]
    return pa.table(columns, schema=REJECTION_SCHEMA)
