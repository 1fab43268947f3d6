"""One shard of candidates -> captions kept and captions dropped, each with its reason."""

from dataclasses import dataclass

import pyarrow as pa

from pipelines.captions.batch import Batch
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.data.images import texts_of_image
from pipelines.captions.funnel import Funnel, Verdicts, checks, joined, judge
from pipelines.captions.recipe import load_funnel
from pipelines.io.parquet import read_rows, read_table
from pipelines.io.stage import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA, CAPTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA, Check

STAGE = "captions"
SOURCE_STAGE = "crawl"
JUDGED_SCHEMA = CAPTION_SCHEMA.append(pa.field("types", pa.list_(pa.string()), nullable=False))

# Chosen: enough to share the cost of a call, few enough that columns stay in the processor's cache.
BATCH_CAPTIONS = 16_384
_JUDGED_BY = ("key", "url", "caption")


@dataclass(frozen=True)
class Judged:
    """What the rules that need one caption alone make of a shard.

    Args:
        kept: in `JUDGED_SCHEMA`: as it is written, and with the `types` of resolved entities.
        rejected: in `REJECTION_SCHEMA`.
        rows_in: candidates, for the books.
    """

    kept: pa.Table
    rejected: pa.Table
    rows_in: int


def filter_shard(task: StageTask, index: int, config: CaptionsConfig) -> ShardResult:
    """Read a shard of candidates, judge each caption, keep the whole columns of those that pass."""
    judged = judge_shard(task, index, load_funnel(config.recipe, config.overrides))
    return _result(judged)


def judge_shard(task: StageTask, index: int, funnel: Funnel) -> Judged:
    """`judge_table` of a shard; pictures that came along are read only where a caption is kept."""
    url = task.part(index, SOURCE_STAGE)
    texts = read_table(url, list(_JUDGED_BY))
    verdicts = judge_all(texts, funnel)
    is_kept = verdicts.is_kept(texts.num_rows)
    others = read_rows(url, is_kept, [n for n in CANDIDATE_SCHEMA.names if n not in _JUDGED_BY])
    kept = texts.filter(pa.array(is_kept))
    return _judged(texts, _side_by_side(kept, others), verdicts)


def filter_table(candidates: pa.Table, funnel: Funnel) -> ShardResult:
    """Split a table in `CANDIDATE_SCHEMA` into `CAPTION_SCHEMA` rows and rejections.

    A rejection carries the caption as found; a kept row has it as `raw_caption`.
    """
    return _result(judge_table(candidates, funnel))


def judge_table(candidates: pa.Table, funnel: Funnel) -> Judged:
    """As `filter_table`, with the columns that rules over all data go on from."""
    verdicts = judge_all(candidates, funnel)
    is_kept = pa.array(verdicts.is_kept(candidates.num_rows))
    return _judged(candidates, candidates.filter(is_kept), verdicts)


def judge_all(candidates: pa.Table, funnel: Funnel) -> Verdicts:
    """`judge` of captions in batches; of the table, `key` and `caption` are looked at."""
    raw = candidates["caption"].combine_chunks()
    shared = texts_of_image(candidates["key"])
    parts = []
    for low in range(0, max(len(raw), 1), BATCH_CAPTIONS):
        few = slice(low, low + BATCH_CAPTIONS)
        parts.append(judge(Batch(raw[few], funnel.reading, shared[few]), funnel).moved(low))
    return joined(parts)


def explain(raw_caption: str, config: CaptionsConfig) -> list[Check]:
    """Every check of a caption in the funnel's order, whether it passes or not."""
    return list(checks(raw_caption, load_funnel(config.recipe, config.overrides)))


def _result(judged: Judged) -> ShardResult:
    return ShardResult(
        kept=judged.kept.select(CAPTION_SCHEMA.names),
        rejected=judged.rejected,
        rows_in=judged.rows_in,
    )


def _judged(texts: pa.Table, kept: pa.Table, verdicts: Verdicts) -> Judged:
    columns = {name: kept[name] for name in kept.column_names if name in JUDGED_SCHEMA.names}
    columns["raw_caption"] = kept["caption"]
    columns["caption"] = verdicts.texts
    columns["language"] = verdicts.languages
    columns["types"] = verdicts.types
    return Judged(
        kept=pa.table([columns[name] for name in JUDGED_SCHEMA.names], schema=JUDGED_SCHEMA),
        rejected=_rejected(texts, verdicts.failures),
        rows_in=texts.num_rows,
    )


def _rejected(texts: pa.Table, failures: pa.Table) -> pa.Table:
    rows = texts.select(_JUDGED_BY).take(failures["row"])
    columns = {name: rows[name] for name in _JUDGED_BY}
    columns["stage"] = pa.repeat(STAGE, len(rows))
    columns |= {name: failures[name] for name in failures.column_names}
    return pa.table([columns[n] for n in REJECTION_SCHEMA.names], schema=REJECTION_SCHEMA)


def _side_by_side(left: pa.Table, right: pa.Table) -> pa.Table:
    return pa.table(left.columns + right.columns, names=left.column_names + right.column_names)
