"""Parquet whose bytes depend on the rows alone, with a checksum on every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.shards import open_parquet, read_parquet

ROW_GROUP_ROWS = 4096
ZSTD_LEVEL = 3
_REMEDY = "`dalle verify` names every such file, and how to make it again"


class UnreadableShardError(DalleError):
    """A shard cannot be read: which one, and the reader's message."""


def to_bytes(table: pa.Table, dictionary_columns: list[str] | None = None) -> bytes:
    """Serialise a table as `to_buffer` does, which spares the last copy."""
    return bytes(memoryview(to_buffer(table, dictionary_columns)))


def to_buffer(table: pa.Table, dictionary_columns: list[str] | None = None) -> pa.Buffer:
    """Serialise a table: zstd 3, row groups of 4,096 rows, page index, page checksums.

    Binary columns hold images, whose formats are compressed, and are written as they are.

    Args:
        table: sorted by the caller; its schema metadata is kept.
        dictionary_columns: columns to encode by dictionary, by path in the Parquet schema.
    """
    sink = pa.BufferOutputStream()
    packed = _packed_paths(table.schema)
    pq.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP_ROWS,
        compression=dict.fromkeys(packed, "zstd"),
        compression_level=dict.fromkeys(packed, ZSTD_LEVEL),
        version="2.6",
        use_dictionary=dictionary_columns or False,
        write_page_index=True,
        write_page_checksum=True,  # without it pyarrow reads flipped bits without an error
    )
    return sink.getvalue()


def read_table(url: str, columns: list[str] | None = None) -> pa.Table:
    """Read a shard whole, or some of its columns, verifying page checksums.

    Raises:
        UnreadableShardError: missing, truncated or corrupt.
    """
    with _readable(url) as stream:
        return read_parquet(stream, columns)


def read_rows(url: str, is_wanted: NDArray[np.bool_], columns: list[str]) -> pa.Table:
    """Read some rows of some columns, holding no more of the rest than one row group.

    Args:
        url: of the shard.
        is_wanted: bool `[rows of the shard]`.
        columns: their names, at least one.

    Raises:
        UnreadableShardError: missing, truncated or corrupt.
    """
    with _readable(url) as stream:
        shard = open_parquet(stream)
        parts, start = [shard.schema_arrow.empty_table().select(columns)], 0
        for batch in shard.iter_batches(ROW_GROUP_ROWS, columns=columns, use_threads=False):
            mask = pa.array(is_wanted[start : start + batch.num_rows])
            parts.append(pa.table(batch.filter(mask)).select(columns))
            start += batch.num_rows
    return pa.concat_tables(parts)


@lru_cache(maxsize=64)
def _packed_paths(schema: pa.Schema) -> list[str]:
    """The columns to compress, by path in the Parquet schema, which pyarrow alone knows."""
    empty = pa.BufferOutputStream()
    pq.write_table(schema.remove_metadata().empty_table(), empty)
    columns = pq.read_metadata(pa.BufferReader(empty.getvalue())).schema
    paths = [columns.column(number).path for number in range(len(columns))]
    plain = {field.name for field in schema if pa.types.is_binary(field.type)}
    return [path for path in paths if path not in plain]


@contextmanager
def _readable(url: str) -> Iterator[BinaryIO]:
    try:
        with files.open_read(url) as stream:
            yield stream
    except FileNotFoundError as error:
        raise UnreadableShardError(f"{url} is missing; {_REMEDY}") from error
    except Exception as error:  # pyarrow raises half a dozen classes on hostile bytes
        raise UnreadableShardError(f"{url} cannot be read: {error}; {_REMEDY}") from error
