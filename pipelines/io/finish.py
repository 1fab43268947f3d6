"""How a finished shard is written."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.io import parquet
from pipelines.io.task import ShardReport, ShardResult, StageTask, Stopwatch
from pipelines.rejection import REJECTION_SCHEMA, Rejection


class UnbalancedBooksError(DalleError):
    """Rows in are not rows out plus rows dropped: a bug in the stage, never in the data."""


def finish_shard(
    task: StageTask,
    index: int,
    result: ShardResult,
    stopwatch: Stopwatch,
    dictionary_columns: list[str] | None = None,
) -> ShardReport:
    """Write the rejections, then the rows, then the marker; each write is whole or absent.

    Raises:
        UnbalancedBooksError: rows in are not rows out plus rows dropped.
    """
    rejected = rejection_table(result.rejected)
    rows_out, dropped = result.kept.num_rows, rejected.num_rows
    if result.rows_in != rows_out + dropped:
        raise UnbalancedBooksError(
            f"{task.stage} shard {index}: {result.rows_in} rows in, "
            f"but {rows_out} out and {dropped} dropped"
        )
    report = ShardReport(
        index=index,
        attempt=task.attempt,
        rows_in=result.rows_in,
        rows_out=rows_out,
        reasons=_counts(rejected["reason"]),
        rejected_file=_write(task.rejected(index), rejected, None),
        kept_file=_write(task.part(index), _sorted(result.kept), dictionary_columns),
        timing=stopwatch.seconds(result.cpu_s),
        passed_over=dict(result.passed_over),
        warnings=list(result.warnings),
        tallies=dict(result.tallies),
    )
    files.write_json(task.folder.marker(index), asdict(report))
    return report


def rejection_table(rejections: Iterable[Rejection] | pa.Table) -> pa.Table:
    """Rejections as a table in a total order."""
    if not isinstance(rejections, pa.Table):
        rows = [asdict(rejection) for rejection in rejections]
        rejections = pa.Table.from_pylist(rows, schema=REJECTION_SCHEMA)
    return _in_order(rejections, ["key", *(n for n in REJECTION_SCHEMA.names if n != "key")])


def _sorted(table: pa.Table) -> pa.Table:
    return _in_order(table, ["key", "view"] if "view" in table.column_names else ["key"])


def _in_order(table: pa.Table, names: list[str]) -> pa.Table:
    keys = table[names[0]].combine_chunks()
    if pc.all(pc.less(keys[:-1], keys[1:])).as_py() is False:  # else already in order, as most are
        table = table.sort_by([(name, "ascending") for name in names])
    return table.combine_chunks()


def _counts(reasons: pa.ChunkedArray) -> dict[str, int]:
    counted = reasons.value_counts().to_pylist()
    return dict(sorted((pair["values"], pair["counts"]) for pair in counted))


def _write(url: str, table: pa.Table, dictionary_columns: list[str] | None) -> dict[str, Any]:
    content = memoryview(parquet.to_buffer(table, dictionary_columns))
    files.write_bytes(url, content)
    return {"rows": table.num_rows, "bytes": len(content), "sha256": files.sha256(content)}
