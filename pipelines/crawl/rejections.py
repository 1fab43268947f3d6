"""Rejections of a shard in columns, since there may be as many as rows."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.rejection import REJECTION_SCHEMA, Rejection

_CHUNK = 10_000  # different rows that become columns together; chosen: some 10 MB

Values = tuple[Any, ...]  # of a rejection, in the order of its schema
Counted = tuple[Values, int]


class Rejections:
    """Rejections of which only the latest are still objects.

    Args:
        count: of all rows.
    """

    def __init__(self) -> None:
        self.count = 0
        self._latest: list[Counted] = []
        self._tables = [REJECTION_SCHEMA.empty_table()]

    def add(self, values: Values, count: int = 1) -> None:
        """Take a rejection that stands there `count` times."""
        self.count += count
        self._latest.append((values, count))
        if len(self._latest) >= _CHUNK:
            self._to_columns()

    def table(self) -> pa.Table:
        """All of them, in `REJECTION_SCHEMA`."""
        self._to_columns()
        return pa.concat_tables(self._tables)

    def _to_columns(self) -> None:
        if not self._latest:
            return
        rows, counts = zip(*self._latest, strict=True)
        types = [field.type for field in REJECTION_SCHEMA]
        columns = [pa.array(*c) for c in zip(zip(*rows, strict=True), types, strict=True)]
        table = pa.table(columns, schema=REJECTION_SCHEMA)
        self._tables.append(table.take(np.repeat(np.arange(len(rows)), counts)))
        self._latest = []


def values_of(row: Rejection) -> Values:
    """A rejection without names."""
    return tuple(getattr(row, name) for name in REJECTION_SCHEMA.names)
