"""Images of one's own as what is encoded, in pieces that come with their bytes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import pyarrow as pa

from pipelines.encode.alone.ahead import ahead
from pipelines.encode.alone.work import Inputs, OnRows
from pipelines.io.finish import rejection_table
from pipelines.io.parquet import BATCH_ROWS
from pipelines.io.task import BatchedResult, ShardResult
from pipelines.rejection import Rejection
from pipelines.stage import Job

SOURCE = "source"  # what stands for a stage among the inputs of the manifest

Row = dict[str, Any]
# The images of a piece, by its number, as rows of `schema` or as rejections; the counter is told
# what is neither.
ReadPiece = Callable[[int, Counter[str]], Iterator[Row | Rejection]]


def own_images(
    num_pieces: int,
    digest: str,
    schema: pa.Schema,
    read: ReadPiece,
    passed_over: Mapping[str, int],
) -> Inputs:
    """Pieces of a source: each becomes a shard.

    Args:
        num_pieces: how many.
        digest: of what is read.
        schema: of the rows that are read.
        read: a piece; called in a thread of its own.
        passed_over: what else lies there, by kind.
    """

    def process(job: Job, index: int, on_rows: OnRows) -> BatchedResult:
        from pipelines.encode.shard import encode_shard  # loads torch

        held = _Piece(schema)
        rows = held.tables(read(index, held.passed_over))
        result = encode_shard(job.task, index, job.config, tables=_told(ahead(rows), on_rows))
        if index == 0:
            held.passed_over.update(passed_over)
        return BatchedResult(result.schema, held.in_one(result), result.encodings)

    return Inputs(num_pieces, {SOURCE: digest}, process)


class _Piece:
    """What becomes of a piece beside its tokens.

    Args:
        schema: of the rows that are read.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._dropped: list[Rejection] = []
        self.passed_over = Counter[str]()

    def tables(self, found: Iterable[Row | Rejection]) -> Iterator[pa.Table]:
        """The rows in tables of a few, of which the last may be empty."""
        rows: list[Row] = []
        for one in found:
            if isinstance(one, Rejection):
                self._dropped.append(one)
                continue
            rows.append(one)
            if len(rows) == BATCH_ROWS:
                yield pa.Table.from_pylist(rows, self._schema)
                rows = []
        yield pa.Table.from_pylist(rows, self._schema)

    def in_one(self, result: BatchedResult) -> Iterator[ShardResult]:
        """The result of all rows: images are encoded as they come, and their rows then sorted."""
        batches = list(result.batches)
        dropped = [rejection_table(self._dropped), *(rejection_table(b.rejected) for b in batches)]
        tallies, passed_over = Counter[str](), Counter(self.passed_over)
        for batch in batches:
            tallies.update(batch.tallies)
            passed_over.update(batch.passed_over)
        yield ShardResult(
            kept=pa.concat_tables([result.schema.empty_table(), *(b.kept for b in batches)]),
            rejected=rejection_table(pa.concat_tables(dropped)),
            rows_in=sum(batch.rows_in for batch in batches) + len(self._dropped),
            passed_over=dict(passed_over),
            warnings=list(chain.from_iterable(batch.warnings for batch in batches)),
            tallies=dict(tallies),
        )


def _told(tables: Iterator[pa.Table], on_rows: OnRows) -> Iterator[pa.Table]:
    for table in tables:
        yield table
        on_rows(table.num_rows)
