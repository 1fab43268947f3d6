"""A token shard as its row groups: read in order and by ranges of keys, one group at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.packed_codes import unpacked_schema
from dalle_model.ranges import open_in_ranges
from dalle_model.shard_schema import (
    ADDED_IN_VERSION_2,
    COLUMNS,
    SCHEMA_VERSION,
    ShardMetadata,
    token_fields,
    token_schema,
)
from dalle_model.shards import ShardError, as_now, metadata_of, names_now, open_parquet

_ABOVE = "g"  # sorts behind every hexadecimal digit


class RowGroup(NamedTuple):
    """Rows that lie together in a shard.

    Args:
        first, last: the lowest and the highest key, as the footer states them.
        rows: how many.
    """

    first: str
    last: str
    rows: int


@dataclass(frozen=True)
class Shard:
    """A token shard of which only the footer has been read.

    Args:
        url: of the file.
        metadata: what its tokens mean.
        schema: the columns, as this version has them.
        groups: its row groups, in order.
        num_bytes: of the file.
        stamp: changes when the file does, as `files.identity` says.
        column_bytes: of each column in the file, by its name.
    """

    url: str
    metadata: ShardMetadata
    schema: pa.Schema
    groups: tuple[RowGroup, ...]
    num_bytes: int
    stamp: str | None
    column_bytes: Mapping[str, int]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(group.rows for group in self.groups)

    def tables(
        self, columns: list[str] | None = None, start: str = "", stop: str = _ABOVE
    ) -> Iterator[pa.Table]:
        """The rows with keys in `[start, stop)`, of one row group after the other.

        Page checksums are verified. What a version did not have is null.

        Args:
            columns: names, in order; all where none are given.
            start: the lowest key, or its first digits.
            stop: the first key, or digits of keys, beyond.

        Raises:
            ShardError: the shard is gone, damaged, or lacks a column.
        """
        wanted = list(self.schema.names) if columns is None else columns
        numbers = [n for n, g in enumerate(self.groups) if g.last >= start and g.first < stop]
        if not numbers:
            return
        with _reading(self.url) as parquet:
            held = [name for name in {"key", *wanted} if name in parquet.schema_arrow.names]
            for number in numbers:
                table = parquet.read_row_group(number, held, use_threads=False)
                yield as_now(_within(table, self.groups[number], start, stop), wanted)

    def refused(self, problem: str) -> ShardError:
        """The error that something is wrong with this shard."""
        return ShardError(f"{self.url}: {problem}")


def open_shard(url: str) -> Shard:
    """Read the footer of a shard.

    Raises:
        ShardError: missing, not Parquet, or not a token shard that this version reads.
    """
    with _reading(url) as parquet:
        schema, footer = unpacked_schema(parquet.schema_arrow), parquet.metadata
        metadata = metadata_of(url, schema)
        _check_columns(url, schema, metadata)
        sizes = _column_bytes(footer)
        found = files.identity(url)
        groups = tuple(_group(url, footer, number) for number in range(footer.num_row_groups))
    return Shard(url, metadata, _schema_now(schema), groups, found["bytes"], found["stamp"], sizes)


def _check_columns(url: str, schema: pa.Schema, metadata: ShardMetadata) -> None:
    """Refuse a shard without the columns that its footer speaks of."""
    expected = list(token_schema(metadata))
    for column, tokens in metadata.joined.items():
        expected += token_fields(tokens, column)
    for field in expected:
        held = schema.field(field.name).type if field.name in schema.names else "missing"
        is_added = field.name in ADDED_IN_VERSION_2 and metadata.schema_version < SCHEMA_VERSION
        if held != field.type and not is_added:
            raise ShardError(
                f"{url} is no token shard of its footer: `{field.name}` is {held}, not {field.type}"
            )


def _schema_now(schema: pa.Schema) -> pa.Schema:
    fields = [
        schema.field(name) if name in schema.names else pa.field(name, COLUMNS[name])
        for name in names_now(schema.names)
    ]
    return pa.schema(fields)


def _column_bytes(footer: pq.FileMetaData) -> Counter[str]:
    sizes = Counter[str]()
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            sizes[column.path_in_schema.partition(".")[0]] += column.total_compressed_size
    return sizes


def _group(url: str, footer: pq.FileMetaData, number: int) -> RowGroup:
    group = footer.row_group(number)
    column = next(
        (c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == "key"), None
    )
    if column is None:
        raise ShardError(f"{url} is not a token shard: it has no column `key`")
    if column.statistics is None or not column.statistics.has_min_max:
        return RowGroup("", _ABOVE, group.num_rows)  # it may hold any key
    return RowGroup(column.statistics.min, column.statistics.max, group.num_rows)


def _within(table: pa.Table, group: RowGroup, start: str, stop: str) -> pa.Table:
    if group.first >= start and group.last < stop:
        return table
    keys = table["key"]
    return table.filter(pc.and_(pc.greater_equal(keys, start), pc.less(keys, stop)))


@contextmanager
def _reading(url: str) -> Iterator[pq.ParquetFile]:
    try:
        with open_in_ranges(url) as stream:
            yield open_parquet(stream)
    except ShardError:
        raise
    except FileNotFoundError as error:
        raise ShardError(f"{url} is missing; `dalle run encode` makes it") from error
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise ShardError(f"{url} cannot be read: {error}") from error
