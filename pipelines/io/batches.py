"""Rows of a shard, passed on before they are many."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from pipelines.io.task import ShardResult
from pipelines.rejection import Rejection

_ROWS = 4096  # chosen: some MB of captions and URLs
_BYTES = 8 << 20  # of images; chosen: little beside what else a worker holds

Row = dict[str, Any]


class RowBatch:
    """Gathers the outcomes of rows.

    Args:
        schema: of the rows kept.

    Attributes:
        rows_in: rows that have been read, for the books; the stage adds them.
        cpu_s: CPU seconds that other processes spent on them; so does it here.
        reused: rows whose work was taken from an earlier result; likewise.
        added: rows kept beyond the first of a row in; likewise.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._begin()

    def keep(self, row: Row) -> None:
        """Add a row that is kept."""
        self._kept.append(row)
        self._num_bytes += sum(len(value) for value in row.values() if isinstance(value, bytes))

    def drop(self, rejection: Rejection) -> None:
        """Add a row that is dropped."""
        self._rejected.append(rejection)

    @property
    def is_full(self) -> bool:
        """Whether it is time to pass them on."""
        return self._num_bytes >= _BYTES or len(self._kept) + len(self._rejected) >= _ROWS

    def take(self, **told: Any) -> ShardResult:
        """What has been gathered; gathering begins anew.

        Args:
            told: what else is known of the shard by now, as in `ShardResult`.
        """
        kept = pa.Table.from_pylist(self._kept, schema=self._schema)
        told |= {"cpu_s": self.cpu_s, "reused": self.reused, "added": self.added}
        result = ShardResult(kept, self._rejected, self.rows_in, **told)
        self._begin()
        return result

    def _begin(self) -> None:
        self._kept: list[Row] = []
        self._rejected: list[Rejection] = []
        self._num_bytes = self.rows_in = self.reused = self.added = 0
        self.cpu_s = 0.0


def merged(one: Iterable[pa.Table], other: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of both in tables whose keys ascend from one to the next; in any order within one.

    Args:
        one: tables whose keys ascend, within them too.
        other: the same, of the same columns.
    """
    sides = [(table for table in side if table.num_rows) for side in (one, other)]
    heads: list[Any] = [next(side, None) for side in sides]  # None: at its end
    while all(head is not None for head in heads):
        bound = min(head["key"][-1].as_py() for head in heads)
        parts = []
        for number, head in enumerate(heads):
            end = rows_up_to(head, bound)
            parts.append(head.slice(0, end))
            heads[number] = head.slice(end) if end < head.num_rows else next(sides[number], None)
        yield pa.concat_tables(parts)
    for head, side in zip(heads, sides, strict=True):
        if head is not None:
            yield head
            yield from side


def rows_below(table: pa.Table, key: str) -> int:
    """How many rows of a table, sorted by key, come before a key."""
    return bisect_left(table["key"], key, key=_as_py)


def rows_up_to(table: pa.Table, key: str) -> int:
    """The same with those of the key itself."""
    return bisect_right(table["key"], key, key=_as_py)


def _as_py(scalar: pa.Scalar) -> Any:
    return scalar.as_py()
