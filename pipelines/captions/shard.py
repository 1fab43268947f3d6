"""One shard of candidates -> captions kept and captions dropped, each with its reason."""

import pyarrow as pa

from pipelines.captions.batch import BATCH_CAPTIONS, Batch
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.images import texts_of_image
from pipelines.captions.funnel import Funnel, apply_rules, checks
from pipelines.captions.recipe import load_funnel
from pipelines.captions.result import FilterResult, concatenate
from pipelines.io.parquet import read_rows, read_table
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, CAPTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA, Check

STAGE = "captions"

_JUDGED_BY = ("key", "url", "caption")


def filter_shard(task: StageTask, index: int, config: CaptionsConfig) -> ShardResult:
    """Read a shard of candidates, filter its captions, keep the whole rows of those that pass."""
    texts = read_texts(task, index)
    filtered = filter_candidates(texts, load_funnel(config.recipe, config.overrides))
    return shard_result(task, index, texts, filtered)


def read_texts(task: StageTask, index: int) -> pa.Table:
    """The columns that rules and rejections need, for all rows of a shard."""
    return read_table(task.input(CANDIDATES).part(index), list(_JUDGED_BY))


def shard_result(
    task: StageTask, index: int, texts: pa.Table, filtered: FilterResult
) -> ShardResult:
    """The rows of a shard, kept and rejected.

    The columns that no rule looks at, such as image bytes from the source, are read here, and only
    where a caption is kept.

    Args:
        task: the stage's work.
        index: of the shard.
        texts: from `read_texts`.
        filtered: of all of its rows.
    """
    is_kept = filtered.is_kept(texts.num_rows)
    names = [name for name in CANDIDATE_SCHEMA.names if name not in _JUDGED_BY]
    others = read_rows(task.input(CANDIDATES).part(index), is_kept, names)
    kept = _side_by_side(texts.filter(pa.array(is_kept)), others)
    return result_of(texts, kept, filtered)


def filter_candidates(candidates: pa.Table, funnel: Funnel) -> FilterResult:
    """`apply_rules` in batches to a table of candidates with at least `key` and `caption`."""
    raw = candidates["caption"].combine_chunks()
    texts_per_image = texts_of_image(candidates["key"])
    parts = []
    for low in range(0, max(len(raw), 1), BATCH_CAPTIONS):
        few = slice(low, low + BATCH_CAPTIONS)
        parts.append(
            apply_rules(Batch(raw[few], funnel.spec, texts_per_image[few]), funnel).shifted(low)
        )
    return concatenate(parts)


def check_caption(raw_caption: str, config: CaptionsConfig) -> list[Check]:
    """Every check of a caption in the funnel's order, whether it passes or not."""
    return list(checks(raw_caption, load_funnel(config.recipe, config.overrides)))


def result_of(texts: pa.Table, kept: pa.Table, filtered: FilterResult) -> ShardResult:
    """Rows in `CAPTION_SCHEMA` and rejections.

    Both have the caption as found, kept rows as `raw_caption`.

    Args:
        texts: from `read_texts`, all rows.
        kept: the whole candidates that are left.
        filtered: of all rows.
    """
    columns = {name: kept[name] for name in kept.column_names if name in CAPTION_SCHEMA.names}
    columns["raw_caption"] = kept["caption"]
    columns["caption"] = filtered.texts
    columns["language"] = filtered.languages
    return ShardResult(
        kept=pa.table([columns[name] for name in CAPTION_SCHEMA.names], schema=CAPTION_SCHEMA),
        rejected=_rejected(texts, filtered.failures),
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
