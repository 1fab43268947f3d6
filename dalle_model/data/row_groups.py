"""Row groups as arrays, of which the last ones read are held, up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model.data.index import Group, Shard
from dalle_model.data.permutation import Integers
from dalle_model.data.pieces import open_columns, read_footer
from dalle_model.packed_codes import unpack_table
from dalle_model.shard_schema import COLUMNS
from dalle_model.shards import ShardError, open_parquet

# A numpy array `(rows, ...)` of numbers; an Arrow array of text, of lists of any length, and of
# whatever may be null.
Column: TypeAlias = Any
Columns = dict[str, Column]
_FOOTERS = 64  # held at a time; chosen: of 16 row groups each, some 20 MB


class RowGroups:
    """Decodes row groups, and holds the last ones; safe to be used by several threads.

    Args:
        columns: names of those to read. What a shard's version did not have is null.
        codebooks: of the shards.
        max_bytes: of the row groups held; one is held however large it is.
    """

    def __init__(self, columns: Sequence[str], codebooks: int, max_bytes: int) -> None:
        self._columns, self._codebooks, self._max_bytes = tuple(columns), codebooks, max_bytes
        self._held: OrderedDict[tuple[str, int], Columns] = OrderedDict()
        self._footers: OrderedDict[str, pq.FileMetaData] = OrderedDict()
        self._num_bytes = 0
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return RowGroups, (self._columns, self._codebooks, self._max_bytes)

    def held(self, group: Group) -> bool:
        """Whether it need not be decoded."""
        return (group.shard.url, group.number) in self._held

    def read(self, group: Group) -> Columns:
        """The columns of a row group, page checksums verified.

        Raises:
            ShardError: it is damaged, or the shard is no longer the one that was indexed.
        """
        name = group.shard.url, group.number
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        columns = self.decode(group)
        with self._lock:
            if name not in self._held:
                self._held[name] = columns
                self._num_bytes += _num_bytes(columns)
            while self._num_bytes > self._max_bytes and len(self._held) > 1:
                self._num_bytes -= _num_bytes(self._held.popitem(last=False)[1])
        return columns

    def decode(self, group: Group) -> Columns:
        """As `read`, without holding it."""
        shard, number = group
        footer = self.footer(shard)
        try:
            with open_columns(shard.url, shard.num_bytes, footer, number, self._columns) as stream:
                file = open_parquet(stream, footer)
                wanted = [name for name in self._columns if name in file.schema_arrow.names]
                table = unpack_table(file.read_row_group(number, wanted, use_threads=False))
            return {name: self._column(table, name) for name in self._columns}
        except Exception as error:  # hostile bytes make pyarrow raise almost anything
            raise ShardError(
                f"row group {number} of {shard.url} cannot be read: {error}"
            ) from error

    def footer(self, shard: Shard) -> pq.FileMetaData:
        """The footer of a shard, of which the last ones are held."""
        with self._lock:
            if shard.url in self._footers:
                self._footers.move_to_end(shard.url)
                return self._footers[shard.url]
        footer = read_footer(shard.url, shard.num_bytes)
        if footer.sha256 != shard.footer_sha256:
            raise ShardError(
                f"{shard.url} is no longer the shard that was indexed; delete the kept index, if "
                "there is one, and open the shards again"
            )
        with self._lock:
            self._footers[shard.url] = footer.parsed
            while len(self._footers) > _FOOTERS:
                self._footers.popitem(last=False)
        return footer.parsed

    def _column(self, table: pa.Table, name: str) -> Column:
        if name not in table.column_names:
            if name not in COLUMNS:
                raise ValueError(f"there is no column {name}")
            return pa.nulls(table.num_rows, COLUMNS[name])
        column = as_column(table.column(name).combine_chunks())
        if name == "image_tokens" and self._codebooks > 1 and isinstance(column, np.ndarray):
            return column.reshape(len(column), -1, self._codebooks)
        return column


def as_column(array: pa.Array) -> Column:
    """Numbers, and lists of one length, as an array; a missing score is not a number."""
    kind = array.type
    if pa.types.is_fixed_size_list(kind) and not array.null_count:
        values = array.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(values.reshape(len(array), kind.list_size))
    is_whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if (is_whole and not array.null_count) or pa.types.is_floating(kind):
        return np.asarray(array.to_numpy(zero_copy_only=False))
    return array


def pick(column: Column, rows: Integers) -> Column:
    """Some rows of a column."""
    return column[rows] if isinstance(column, np.ndarray) else column.take(pa.array(rows))


def gather(parts: Sequence[Column], places: Sequence[Integers]) -> Column:
    """One column of parts of it.

    Args:
        parts: of one type, at least one.
        places: where the rows of each part go; together `[0, rows)`.
    """
    order = np.concatenate(places)
    if not isinstance(parts[0], np.ndarray):
        return pa.concat_arrays(parts).take(pa.array(np.argsort(order)))
    whole = np.empty((len(order), *parts[0].shape[1:]), parts[0].dtype)
    for part, where in zip(parts, places, strict=True):
        whole[where] = part
    return whole


def _num_bytes(columns: Columns) -> int:
    return sum(column.nbytes for column in columns.values())
