"""How a finished shard is written."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.io import parquet
from pipelines.io.task import BatchedResult, Result, ShardReport, ShardResult, StageTask, Stopwatch
from pipelines.io.wanted import check_wanted
from pipelines.rejection import REJECTION_SCHEMA, Rejection

_NONE_DROPPED = REJECTION_SCHEMA.empty_table()


class UnbalancedBooksError(DalleError):
    """Rows in are not rows kept plus rows dropped: a bug in the stage, never in the data."""


class UnorderedBatchesError(DalleError):
    """Keys of a shard do not ascend from batch to batch: a bug in the stage, never in the data."""


def finish_shard(
    task: StageTask,
    index: int,
    result: Result,
    stopwatch: Stopwatch,
) -> ShardReport:
    """Write the rejections, then the rows, then the marker; each write is whole or absent.

    The rows are written as they come, under another name until the books are balanced and the
    rejections are there.

    Raises:
        UnbalancedBooksError: rows in are not rows out, without those added, plus rows dropped.
        UnorderedBatchesError: keys do not ascend from batch to batch.
        NotWantedError: the job that does this was ended meanwhile.
    """
    if isinstance(result, ShardResult):
        result = BatchedResult(result.kept.schema, [result])
    books = _Books(f"{task.stage} shard {index}")
    with files.writing(task.part(index)) as stream:
        tables = books.entered(result.batches)
        kept = parquet.write(stream, result.schema, tables, result.encodings)
        rejected = books.balanced(kept.rows)
        check_wanted(task)
        rejected_file = _write(task.rejected(index), rejected)
    report = ShardReport(
        index=index,
        attempt=task.attempt,
        rows_in=books.rows_in,
        rows_out=kept.rows,
        reasons=_counts(rejected["reason"]),
        rejected_file=rejected_file,
        kept_file=kept._asdict(),
        timing=stopwatch.seconds(books.cpu_s) | {"reused": books.reused},
        passed_over=dict(books.passed_over),
        warnings=books.warnings,
        tallies=dict(books.tallies),
        rows_added=books.added,
    )
    files.write_json(task.folder.marker(index), asdict(report))
    return report


class _Books:
    """What is counted, and what is dropped, while the batches of a shard pass."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rejected: list[pa.Table] = []
        self.rows_in, self.cpu_s, self.reused, self.added = 0, 0.0, 0, 0
        self.passed_over, self.tallies = Counter[str](), Counter[str]()
        self.warnings: list[str] = []

    def entered(self, batches: Iterable[ShardResult]) -> Iterator[pa.Table]:
        """The rows kept of each batch, in order."""
        last = ""
        for batch in batches:
            self._enter(batch)
            table = _sorted(batch.kept)
            if table.num_rows:
                first = table["key"][0].as_py()
                if first < last:
                    raise UnorderedBatchesError(f"{self._name}: {first} comes after {last}")
                last = table["key"][-1].as_py()
                yield table

    def balanced(self, rows_out: int) -> pa.Table:
        """The rejections of all batches."""
        few = self._rejected or [_NONE_DROPPED]
        rejected = few[0] if len(few) == 1 else rejection_table(pa.concat_tables(few))
        if self.rows_in + self.added != rows_out + rejected.num_rows:
            added = f", of which {self.added} were added," if self.added else ""
            raise UnbalancedBooksError(
                f"{self._name}: {self.rows_in} rows in, "
                f"but {rows_out} out{added} and {rejected.num_rows} dropped"
            )
        return rejected

    def _enter(self, batch: ShardResult) -> None:
        self.rows_in += batch.rows_in
        self.cpu_s += batch.cpu_s
        self.reused += batch.reused
        self.added += batch.added
        self.passed_over.update(batch.passed_over)
        self.tallies.update(batch.tallies)
        self.warnings += batch.warnings
        if len(batch.rejected):
            self._rejected.append(rejection_table(batch.rejected))


def rejection_table(rejections: Iterable[Rejection] | pa.Table) -> pa.Table:
    """Rejections as a table in a total order."""
    if not isinstance(rejections, pa.Table):
        rows = [asdict(rejection) for rejection in rejections]
        rejections = pa.Table.from_pylist(rows, schema=REJECTION_SCHEMA)
    return _in_order(rejections, ["key", *(n for n in REJECTION_SCHEMA.names if n != "key")])


def _sorted(table: pa.Table) -> pa.Table:
    return _in_order(table, ["key", "view"] if "view" in table.column_names else ["key"])


def _in_order(table: pa.Table, names: list[str]) -> pa.Table:
    if pc.all(_ascends(table, names[:2])).as_py() is False:  # else already in order, as most are
        table = table.sort_by([(name, "ascending") for name in names])
    return table.combine_chunks()


def _ascends(table: pa.Table, names: list[str]) -> pa.BooleanArray:
    """Whether each row comes before the next, by columns that have no nulls."""
    column = table[names[0]].combine_chunks()
    before, after = column[:-1], column[1:]
    if len(names) == 1:
        return pc.less(before, after)
    later = pc.and_(pc.equal(before, after), _ascends(table, names[1:]))
    return pc.or_(pc.less(before, after), later)


def _counts(reasons: pa.ChunkedArray) -> dict[str, int]:
    counted = reasons.value_counts().to_pylist()
    return dict(sorted((pair["values"], pair["counts"]) for pair in counted))


def _write(url: str, table: pa.Table) -> dict[str, Any]:
    content = io.BytesIO()
    written = parquet.write(content, table.schema, [table])
    files.write_bytes(url, content.getbuffer())
    return written._asdict()
