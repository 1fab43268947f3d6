"""One image shard compared with the references of the run: rows kept and dropped, with evidence."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decontaminate.comparing import Comparison
from pipelines.decontaminate.config import DecontaminateConfig
from pipelines.decontaminate.match import Match, to_text
from pipelines.decontaminate.references import read_references
from pipelines.io.embedders import load_embedder
from pipelines.io.keys import shard_of
from pipelines.io.parquet import read_row_groups
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.records import CONTAMINATION, IMAGES, REFERENCES, SELECTION_SCHEMA
from pipelines.rejection import Check, reject

# Why rows are dropped. What is measured: bits, a cosine, or shared sequences of words.
IMAGE, CONTENT, CAPTION = "evaluation_image", "evaluation_content", "evaluation_caption"
COLUMN = CONTAMINATION  # of rows that match and are kept; null for those that do not match
SCHEMA = SELECTION_SCHEMA.append(pa.field(COLUMN, pa.string()))

Scorer = str | None  # name of the scorer whose vectors the references have


def process_shard(
    task: StageTask, index: int, config: DecontaminateConfig, scorer: Scorer = None
) -> BatchedResult:
    """Compare the surviving rows of a shard with all references.

    Args:
        task: of the stage.
        index: of the shard.
        config: what matches, and what is dropped.
        scorer: whose vectors the references have.

    Raises:
        UnreadableShardError: the references, the image shard or a selection is missing or corrupt;
            here, or by the batches.
        ScorerError: the scorer cannot be used.
    """
    return BatchedResult(SCHEMA, _batches(task, index, config, _comparison(task, config, scorer)))


def row_checks(task: StageTask, row: Mapping[str, Any], config: DecontaminateConfig) -> list[Check]:
    """The rules of the stage applied again to one row, by its key; vectors are not compared.

    Args:
        task: of the stage.
        row: with its `key`.
        config: of the stage.
    """
    comparison, key = _comparison(task, config, None), row["key"]
    url = task.input(IMAGES).part(shard_of(key, task.num_shards))
    for group in read_row_groups(url, comparison.columns):
        mine = group.filter(pc.equal(group["key"], key))
        if mine.num_rows:
            return checks(comparison.matches(mine.slice(0, 1))[0], config)
    return []


def checks(matches: Sequence[Match], config: DecontaminateConfig) -> list[Check]:
    """A check for each kind of match that the config has an opinion on: passed where it has none.

    Args:
        matches: of a row, surest first.
        config: which of them drop it.
    """
    image = next((match for match in matches if match.is_of_image), None)
    caption = next((match for match in matches if not match.is_of_image), None)
    found = []
    if image is not None:
        passed, limit = not config.drops_images, float(config.max_hamming)
        is_content = image.by == "embedding"
        reason, limit = (CONTENT, config.min_cosine) if is_content else (IMAGE, limit)
        found.append(Check(reason, passed, image.value, limit, to_text(matches)))
    if caption is not None:
        passed, limit = not config.drops_captions, float(config.min_shared)
        found.append(Check(CAPTION, passed, caption.value, limit, to_text(matches)))
    return found


def _batches(
    task: StageTask, index: int, config: DecontaminateConfig, comparison: Comparison
) -> Iterator[ShardResult]:
    for rows in surviving_row_groups(task, index, comparison.columns):
        yield _result(rows, comparison.matches(rows), task.stage, config)


def _result(
    rows: pa.Table, matches: Sequence[list[Match]], stage: str, config: DecontaminateConfig
) -> ShardResult:
    """The outcome of rows, given the matches of each."""
    failed = [
        next((check for check in checks(found, config) if not check.passed), None)
        for found in matches
    ]
    named = rows.select(SELECTION_SCHEMA.names)
    kept = pa.array([check is None for check in failed], pa.bool_())
    evidence = pa.array([to_text(found) if found else None for found in matches], pa.string())
    dropped = [(row, check) for row, check in enumerate(failed) if check is not None]
    lines = named.filter(pc.invert(kept)).to_pylist()
    return ShardResult(
        kept=named.append_column(COLUMN, evidence).filter(kept).cast(SCHEMA),
        rejected=[
            reject(line, stage, check) for line, (_, check) in zip(lines, dropped, strict=True)
        ],
        rows_in=rows.num_rows,
        tallies=_tallies(matches),
    )


def _tallies(matches: Sequence[list[Match]]) -> dict[str, int]:
    """Rows with a match, by set and by how it was found."""
    return dict(Counter(f"{match.of}: {match.by}" for found in matches for match in found))


@lru_cache(maxsize=1)
def _compared(
    url: str, fingerprint: str, config: DecontaminateConfig, scorer: Scorer
) -> Comparison:
    """What compares, made once a process."""
    references = read_references(url, fingerprint, config.ngram, config.min_words)
    return Comparison(references, config, None if scorer is None else load_embedder(scorer))


def _comparison(task: StageTask, config: DecontaminateConfig, scorer: Scorer) -> Comparison:
    return _compared(task.url(REFERENCES), task.fingerprint, config, scorer)
