"""One shard of candidates -> captions kept and captions dropped, each with its reason."""

import pyarrow as pa

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.funnel import Accepted, Funnel, checks, judge
from pipelines.captions.recipe import load_funnel
from pipelines.io.parquet import read_table
from pipelines.io.stage import ShardResult, StageTask
from pipelines.records import CAPTION_SCHEMA
from pipelines.rejection import Check, Rejection, reject

STAGE = "captions"
SOURCE_STAGE = "crawl"


def filter_shard(task: StageTask, index: int, config: CaptionsConfig) -> ShardResult:
    """Read a shard of candidates, judge each caption, keep the whole columns of those that pass."""
    candidates = read_table(task.part(index, SOURCE_STAGE))
    return filter_table(candidates, load_funnel(config.recipe, config.overrides))


def filter_table(candidates: pa.Table, funnel: Funnel) -> ShardResult:
    """Split a table in `CANDIDATE_SCHEMA` into `CAPTION_SCHEMA` rows and rejections.

    A rejection carries the caption as found; a kept row has it as `raw_caption`.
    """
    verdicts = [judge(raw, funnel) for raw in candidates["caption"].to_pylist()]
    accepted = [verdict for verdict in verdicts if isinstance(verdict, Accepted)]
    is_kept = pa.array([isinstance(verdict, Accepted) for verdict in verdicts], pa.bool_())
    return ShardResult(
        kept=_captions(candidates.filter(is_kept), accepted),
        rejected=_rejections(candidates, verdicts),
        rows_in=candidates.num_rows,
    )


def explain(raw_caption: str, config: CaptionsConfig) -> list[Check]:
    """Every check of a caption in the funnel's order, whether it passes or not."""
    return list(checks(raw_caption, load_funnel(config.recipe, config.overrides)))


def _captions(kept: pa.Table, accepted: list[Accepted]) -> pa.Table:
    columns = {name: kept[name] for name in kept.column_names if name in CAPTION_SCHEMA.names}
    columns["raw_caption"] = kept["caption"]
    columns["caption"] = pa.array([verdict.text for verdict in accepted], pa.string())
    columns["language"] = pa.array([verdict.language for verdict in accepted], pa.string())
    return pa.table([columns[name] for name in CAPTION_SCHEMA.names], schema=CAPTION_SCHEMA)


def _rejections(candidates: pa.Table, verdicts: list[Accepted | Check]) -> list[Rejection]:
    failed = [i for i, verdict in enumerate(verdicts) if isinstance(verdict, Check)]
    rows = (
        candidates.select(["key", "url", "caption"]).take(pa.array(failed, pa.int64())).to_pylist()
    )
    checks_failed = (verdict for verdict in verdicts if isinstance(verdict, Check))
    return [reject(row, STAGE, check) for row, check in zip(rows, checks_failed, strict=True)]
