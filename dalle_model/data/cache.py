"""Shards once more as one file of rows of equal width: any row is one read at a known place.

A head of `HEAD_BYTES`: `MAGIC`, then JSON. Then the records, one a row, as numpy's structured type
of the head has them; then the texts that are too long for their place in a record.
"""

import hashlib
import json
import os
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, cast
from weakref import finalize

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.data.index import Index
from dalle_model.data.permutation import Integers
from dalle_model.data.row_groups import Column, Columns
from dalle_model.data.source import ShardRows, TokenSource
from dalle_model.errors import DalleError

MAGIC = b"dalle rows v1\n"
HEAD_BYTES = 4096  # chosen: a page, and ten times what the usual columns need
TEXT_BYTES = 128  # chosen: most captions; of a longer one a second read takes all

Records = npt.NDArray[Any]


class CacheError(DalleError):
    """A cache of rows cannot be made or used: why, and what to do."""


class _Head(NamedTuple):
    shards: str
    fields: list[list[Any]]
    texts: list[str]
    sha256: str


def cached(source: TokenSource, path: str) -> TokenSource:
    """The same rows in the same order, read from a cache, which is made where it is missing.

    Args:
        source: of shards.
        path: of the file, on a disk.

    Raises:
        CacheError: it was made of other shards or columns, or the columns have no fixed width.
    """
    if not files.is_local(path):
        raise CacheError(f"{path}: a cache is a file on a disk; give a path on this machine")
    if not isinstance(source.rows, ShardRows):
        raise CacheError(f"{path}: the rows are those of a cache; give `cached` a source of shards")
    if not files.exists(path):
        _make(source.rows, path)
    return TokenSource(CachedRows(path, source.rows.index, source.rows.columns), source.chosen)


class CachedRows:
    """Rows of a cache; nothing is held, and the file is not mapped into memory.

    Args:
        path: of the cache.
        index: of the shards that it should have been made of.
        columns: names of those to read.

    Raises:
        CacheError: it is no cache, or one of other shards or columns.
    """

    def __init__(self, path: str, index: Index, columns: tuple[str, ...]) -> None:
        self._path, self.index, self.columns = path, index, columns
        self._file = files.open_read(path)
        finalize(self, self._file.close)
        self._head = head = _read_head(path, self._file)
        if head.shards != _identity(index):
            raise CacheError(
                f"{path} was made of other shards, or they have changed since; delete it, and "
                "it is made again"
            )
        self._record = np.dtype([(n, kind, tuple(shape)) for n, kind, shape in head.fields])
        if missing := set(columns) - set(self._record.names or ()):
            raise CacheError(
                f"{path} has no column {min(missing)}; delete it, and it is made again"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return CachedRows, (self._path, self.index, self.columns)

    def take(self, rows: Integers) -> Columns:
        """Some rows, in the order asked for; those that follow each other come in one read."""
        records = np.empty(len(rows), self._record)
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        stops = np.append(starts, len(rows))[1:]
        content, width = memoryview(cast(Any, records.view(np.uint8))), self._record.itemsize
        for start, stop, row in zip(starts, stops, rows[starts], strict=True):
            self._read(content[start * width : stop * width], HEAD_BYTES + int(row) * width)
        return {name: self._column(records, name) for name in self.columns}

    def verify(self) -> None:
        """Compare the whole file with its SHA-256, which `take` does not.

        Raises:
            CacheError: it is damaged.
        """
        if _sha256(self._path) != self._head.sha256:
            raise CacheError(f"{self._path} is damaged; delete it, and it is made again")

    def _read(self, content: memoryview, start: int) -> None:
        if os.preadv(self._file.fileno(), [content], start) != len(content):
            raise CacheError(f"{self._path} is cut off; delete it, and it is made again")

    def _column(self, records: Records, name: str) -> Column:
        if name not in self._head.texts:
            return np.ascontiguousarray(records[name])
        lengths = records[f"{name}.bytes"].astype(np.int64)
        texts = _texts(np.ascontiguousarray(records[name]), lengths)
        long = np.flatnonzero(lengths > self._record[name].itemsize)
        if not long.size:
            return texts
        found = texts.to_pylist()
        for row in long:
            content = bytearray(lengths[row])
            self._read(memoryview(content), int(records[f"{name}.start"][row]))
            found[row] = content.decode()
        return pa.array(found, pa.string())


def _make(rows: ShardRows, path: str) -> None:
    """Write the records as they come, and each long text behind all of them."""
    index, num_rows = rows.index, int(rows.index.group_rows.sum())
    groups = (group for group in rows.each_group() if len(group[rows.columns[0]]))
    first = next(groups, None)
    if first is None:
        raise CacheError(f"{path}: the shards hold no rows to make a cache of")
    record = np.dtype([field for name in rows.columns for field in _fields(name, first[name])])
    place, end = HEAD_BYTES, HEAD_BYTES + num_rows * record.itemsize
    with files.writing(path) as stream:
        for columns in chain([first], groups):
            records, long = _records(columns, record, end)
            stream.seek(place)
            stream.write(records.tobytes())
            stream.seek(end)
            stream.write(long)
            place, end = place + records.nbytes, end + len(long)
        stream.flush()
        texts = [name for name, column in first.items() if isinstance(column, pa.StringArray)]
        head = _Head(_identity(index), _described(record), texts, _sha256(stream.name))
        stream.seek(0)
        stream.write((MAGIC + json.dumps(head._asdict()).encode()).ljust(HEAD_BYTES))


def _fields(name: str, column: Column) -> list[tuple[Any, ...]]:
    """The fields of a record that hold a column."""
    if isinstance(column, np.ndarray):
        return [(name, column.dtype.str, column.shape[1:])]
    if not isinstance(column, pa.StringArray):
        raise CacheError(
            f"{name} is {column.type}, which has no fixed width; make the cache of other columns"
        )
    longest = pc.max(pc.binary_length(column)).as_py() or 1
    width = min(TEXT_BYTES, -(-longest // 8) * 8)
    return [(name, "|u1", (width,)), (f"{name}.bytes", "<u4"), (f"{name}.start", "<u8")]


def _records(columns: Columns, record: np.dtype[Any], end: int) -> tuple[Records, bytes]:
    """Rows as records, and the long texts among them, which begin at a place in the file."""
    records = np.zeros(len(next(iter(columns.values()))), record)
    long = bytearray()
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            records[name] = column
            continue
        if column.null_count:
            raise CacheError(f"{name} has rows without a value; make the cache of other columns")
        content, lengths = records[name], np.asarray(pc.binary_length(column))
        is_long = lengths > content.shape[1]
        short = pc.if_else(pa.array(is_long), "", column)
        values = b"".join(short.cast(pa.binary()).to_pylist())
        content[_shown(content, lengths)] = np.frombuffer(values, np.uint8)
        records[f"{name}.bytes"] = lengths
        for row in np.flatnonzero(is_long):
            records[f"{name}.start"][row] = end + len(long)
            long += column[row].as_py().encode()
    return records, bytes(long)


def _shown(content: npt.NDArray[np.uint8], lengths: Integers) -> npt.NDArray[np.bool_]:
    """Which bytes of records are text; of what is too long for its place, none."""
    width = content.shape[1]
    return np.arange(width) < np.where(lengths > width, 0, lengths)[:, None]


def _texts(content: npt.NDArray[np.uint8], lengths: Integers) -> pa.StringArray:
    """Texts of records; those that are too long for their place are empty."""
    shown = _shown(content, lengths)
    ends = np.append(0, np.cumsum(shown.sum(axis=1))).astype(np.int32)
    values = [pa.py_buffer(ends), pa.py_buffer(content[shown])]
    return pa.StringArray.from_buffers(len(lengths), *values)


def _identity(index: Index) -> str:
    """Of the shards as they are now: a footer says nothing of a code that was changed in place."""
    stamps = at_once(files.identity, [shard.url for shard in index.shards])
    known = [f"{stamp['bytes']}:{stamp['stamp']}" for stamp in stamps]
    return files.sha256("\n".join([index.sha256, *known]).encode())


def _described(record: np.dtype[Any]) -> list[list[Any]]:
    """A structured type as JSON has it."""
    names = record.names or ()
    return [[name, record[name].base.str, list(record[name].shape)] for name in names]


def _read_head(path: str, stream: BinaryIO) -> _Head:
    content = stream.read(HEAD_BYTES)
    if content.startswith(MAGIC):
        with suppress(ValueError, TypeError):
            return _Head(**json.loads(content[len(MAGIC) :]))
    raise CacheError(f"{path} is no cache of this version; delete it, and it is made again")


def _sha256(path: str) -> str:
    """Of all that is behind the head."""
    with files.open_read(path) as stream:
        stream.seek(HEAD_BYTES)
        return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()
