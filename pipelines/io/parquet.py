"""Parquet whose bytes depend on the rows alone, with a checksum on every page."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.parquet_seal import BLANK, SEAL_KEY, sealed
from dalle_model.ranges import open_in_ranges
from dalle_model.shard_schema import Encoding
from dalle_model.shards import open_parquet, read_parquet
from pipelines.io.cleaned import is_freed, remedy
from pipelines.io.layout import StageFolder

ROW_GROUP_ROWS = 4096
ROW_GROUP_BYTES = 32 << 20  # of images; chosen: some 200 of 256 px, and little for a reader to hold
BATCH_ROWS = 64  # held as Python objects at a time; chosen: some 10 MB of images
ZSTD_LEVEL = 3
_TAIL = 8  # bytes behind a footer: its length, and the magic number. Source: parquet-format
_PLAIN: Mapping[str, Encoding] = {}
_REMEDY = "`dalle verify` names every such file, and how to make it again"


class UnreadableShardError(DalleError):
    """A shard cannot be read: which one, and the reader's message."""


class Written(NamedTuple):
    """A file as it was written.

    Args:
        rows: in it.
        bytes: of it.
        sha256: in hexadecimal.
    """

    rows: int
    bytes: int
    sha256: str


def to_bytes(table: pa.Table, encodings: Mapping[str, Encoding] = _PLAIN) -> bytes:
    """Serialise a table as `write` does."""
    sink = io.BytesIO()
    write(sink, table.schema, [table], encodings)
    return sink.getvalue()


def write(
    stream: BinaryIO,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    encodings: Mapping[str, Encoding] = _PLAIN,
) -> Written:
    """Write tables as they come: zstd 3, page index, page checksums; see `row_groups`.

    The footer holds checksums of the file's own bytes (`dalle_model.parquet_seal`).

    Binary columns hold images, whose formats are compressed, and are written as they are.

    Args:
        stream: to write to; no more than one row group is held for it.
        schema: of the tables; its metadata is kept.
        tables: sorted by the caller, in order. How the rows are spread over them changes no byte.
        encodings: of columns that are not written plain, by path in the Parquet schema.
    """
    schema = schema.with_metadata(
        {key: text for key, text in (schema.metadata or {}).items() if key != SEAL_KEY.encode()}
    )
    packed = _packed_paths(schema)
    measured = _Measured(stream)
    rows = 0
    with pq.ParquetWriter(
        cast(Any, measured),
        schema,
        compression=dict.fromkeys(packed, "zstd"),
        compression_level=dict.fromkeys(packed, ZSTD_LEVEL),
        version="2.6",
        use_dictionary=[path for path, name in encodings.items() if name == "DICTIONARY"] or False,
        column_encoding={path: name for path, name in encodings.items() if name != "DICTIONARY"}
        or None,
        write_page_index=True,
        write_page_checksum=True,  # without it pyarrow reads flipped bits without an error
    ) as writer:
        for group in row_groups(tables, schema):
            writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
            rows += group.num_rows
        writer.add_key_value_metadata({SEAL_KEY: BLANK})
        measured.hold()
    measured.seal()
    return Written(rows, measured.num_bytes, measured.digest.hexdigest())


def row_groups(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of tables, cut anew: by nothing but the rows themselves.

    A row group ends after 4,096 rows, or before the row with which its images would exceed 32 MiB;
    so readers hold no more than that, or one row.
    """
    waiting, num_rows, num_bytes = [schema.empty_table()], 0, 0
    for table in tables:
        ends = np.cumsum(_image_bytes(table))
        start = before = 0
        while start < table.num_rows:
            fitting = int(np.searchsorted(ends, before + ROW_GROUP_BYTES - num_bytes, "right"))
            end = min(fitting, start + ROW_GROUP_ROWS - num_rows, table.num_rows)
            if end <= start and num_rows:
                yield pa.concat_tables(waiting).combine_chunks()
                waiting, num_rows, num_bytes = [], 0, 0
                continue
            end = max(end, start + 1)
            waiting.append(table.slice(start, end - start))
            num_rows, num_bytes = num_rows + end - start, num_bytes + int(ends[end - 1]) - before
            start, before = end, int(ends[end - 1])
    yield pa.concat_tables(waiting).combine_chunks()


def read_table(url: str, columns: list[str] | None = None) -> pa.Table:
    """Read a shard whole, or some of its columns, verifying page checksums.

    Raises:
        UnreadableShardError: missing, truncated or corrupt.
    """
    with _readable(url) as stream:
        return read_parquet(stream, columns)


def read_schema(url: str) -> pa.Schema:
    """The columns of a shard; raises as `read_table`."""
    with _readable(url, open_in_ranges) as stream:
        return open_parquet(stream).schema_arrow


def read_row_groups(url: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a shard, or some of its columns, in order, never more than one row group at once.

    Of a shard in a store no more is fetched at a time either.

    Raises:
        UnreadableShardError: missing, truncated or corrupt.
    """
    with _readable(url, open_in_ranges) as stream:
        shard = open_parquet(stream)
        for number in range(shard.num_row_groups):
            group = shard.read_row_group(number, columns, use_threads=False)
            yield group if columns is None else group.select(columns)


def read_row_group(url: str, number: int, columns: list[str]) -> pa.Table:
    """Those of some columns that a shard has, of one of its row groups; raises as `read_table`."""
    with _readable(url, open_in_ranges) as stream:
        shard = open_parquet(stream)
        known = [name for name in columns if name in shard.schema_arrow.names]
        return shard.read_row_group(number, known, use_threads=False).select(known)


def read_ranges(url: str, column: str) -> list[tuple[Any, Any] | None]:
    """The least and the greatest value of a column in each row group, by the footer alone.

    None where it does not say. Raises as `read_table`.
    """
    with _readable(url, open_in_ranges) as stream:
        metadata = open_parquet(stream).metadata
        place = metadata.schema.names.index(column)
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        found = [group.column(place).statistics for group in groups]
        return [(each.min, each.max) if each and each.has_min_max else None for each in found]


def read_footer(url: str) -> bytes:
    """The footer of a shard as it stands; raises as `read_table`."""
    with _readable(url, open_in_ranges) as stream:
        end = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, end - _TAIL))
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(max(0, end - _TAIL - length))
        return stream.read(length)


def read_encodings(url: str) -> dict[str, Encoding]:
    """How the columns of a shard are written that are not plain, as `write` takes it.

    Raises as `read_table`.
    """
    with _readable(url, open_in_ranges) as stream:
        metadata = open_parquet(stream).metadata
        if not metadata.num_row_groups:
            return {}
        group = metadata.row_group(0)
        columns = [group.column(number) for number in range(metadata.num_columns)]
        return {one.path_in_schema: name for one in columns if (name := _encoding(one))}


def _encoding(column: pq.ColumnChunkMetaData) -> Encoding | None:
    if column.has_dictionary_page:
        return "DICTIONARY"
    return "BYTE_STREAM_SPLIT" if "BYTE_STREAM_SPLIT" in column.encodings else None


def holds_images(url: str) -> bool:
    """Whether a row of a shard has bytes in a binary column, by the footer alone.

    Raises:
        UnreadableShardError: missing, truncated or corrupt.
    """
    with _readable(url, open_in_ranges) as stream:
        shard = open_parquet(stream)
        binary = {field.name for field in shard.schema_arrow if pa.types.is_binary(field.type)}
        groups = [shard.metadata.row_group(number) for number in range(shard.num_row_groups)]
        columns = [group.column(n) for group in groups for n in range(group.num_columns)]
        return any(_has_values(each) for each in columns if each.path_in_schema in binary)


def _has_values(column: pq.ColumnChunkMetaData) -> bool:
    """Whether not all values of a column are null; true where the footer does not say."""
    known = column.statistics is not None and column.statistics.has_null_count
    nulls = column.statistics.null_count if known else 0
    return bool(column.num_values > nulls)


def rows_of(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table as Python objects, few at a time."""
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from batch.to_pylist()


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


def _image_bytes(table: pa.Table) -> NDArray[np.int64]:
    """Bytes of each row in binary columns, which hold images."""
    total = np.zeros(table.num_rows, np.int64)
    for field in table.schema:
        if pa.types.is_binary(field.type):
            total += pc.fill_null(pc.binary_length(table[field.name]), 0).to_numpy()
    return total


class _Measured:
    """Passes what is written on to a stream, and measures it; the end, when it has been sealed."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held: bytearray | None = None
        self.num_bytes, self.digest = 0, hashlib.sha256()

    def write(self, content: bytes) -> int:
        if self._held is not None:
            self._held += content
            return len(content)
        self._stream.write(content)
        self.digest.update(content)
        self.num_bytes += len(content)
        return len(content)

    def tell(self) -> int:
        return self.num_bytes + len(self._held or b"")

    def hold(self) -> None:
        """Keep what follows: the page index and the footer."""
        self._held = bytearray()

    def seal(self) -> None:
        """Pass on what was kept, with checksums of all bytes in it."""
        tail, self._held = sealed(self.digest, bytes(self._held or b"")), None
        self.write(tail)

    def flush(self) -> None:
        """Leave this to the stream's owner."""


def _remedy(url: str) -> str:
    """What to do about a shard that is missing: it may have been freed."""
    folder = StageFolder(url.rpartition("/")[0])
    return remedy(folder.url.rpartition("/")[2]) if is_freed(folder) else _REMEDY


@contextmanager
def _readable(url: str, opened: Callable[[str], BinaryIO] = files.open_read) -> Iterator[BinaryIO]:
    try:
        with opened(url) as stream:
            yield stream
    except FileNotFoundError as error:
        raise UnreadableShardError(f"{url} is missing; {_remedy(url)}") from error
    except Exception as error:  # pyarrow raises half a dozen classes on hostile bytes
        raise UnreadableShardError(f"{url} cannot be read: {error}; {_REMEDY}") from error
