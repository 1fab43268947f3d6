"""Reads token shards, and does not mix those of different codecs."""

import json
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.shard_schema import METADATA_KEY, SCHEMA_VERSION, ShardMetadata

IMAGE_DIGITS = 24  # hex digits of a key that identify its image; the other 16 identify its caption
SUFFIX = ".parquet"
# Source: pyarrow.dataset, default of `ignore_prefixes`; our own temporary files start with "." too
HIDDEN_PREFIXES = (".", "_")


class ShardError(DalleError):
    """A token shard cannot be used: which one, why, and what to do."""


def read_metadata(url: str) -> ShardMetadata:
    """The metadata of one shard.

    Raises:
        ShardError: missing, not Parquet, or not a token shard of this version.
    """
    with _opened(url) as stream:
        return _metadata_of(url, stream)


def image_of(key: str) -> str:
    """The part of a key that identifies the image: all its captions share it."""
    return key[:IMAGE_DIGITS]


def list_shards(folder: str) -> list[str]:
    """URLs of the shards directly in a folder, sorted; hidden and temporary files are left out.

    Raises:
        ShardError: there are none.
    """
    names = [
        name
        for name in files.list_names(folder)
        if name.endswith(SUFFIX) and not name.startswith(HIDDEN_PREFIXES)
    ]
    if not names:
        raise ShardError(f"no token shards in {folder}; `dalle run encode` makes them")
    return [files.join(folder, name) for name in names]


def common_metadata(urls: list[str]) -> ShardMetadata:
    """The metadata that all shards share.

    Raises:
        ShardError: two shards come from different codecs or preprocessing; names both.
    """
    first = read_metadata(urls[0])
    for url in urls[1:]:
        _refuse_to_mix(urls[0], first, url, read_metadata(url))
    return first


def read_shards(urls: list[str], columns: list[str] | None = None) -> pa.Table:
    """All rows of shards of one codec, in order; page checksums are verified.

    Raises:
        ShardError: unreadable, or of different codecs.
    """
    first: ShardMetadata | None = None
    tables = []
    for url in urls:
        with _opened(url) as stream:
            metadata = _metadata_of(url, stream)
            first = first or metadata
            _refuse_to_mix(urls[0], first, url, metadata)
            tables.append(_table_of(url, stream, columns))
    return pa.concat_tables([t.replace_schema_metadata() for t in tables])


def read_parquet(stream: BinaryIO, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file whole, or some of its columns as ordered here, verifying page checksums.

    As `pyarrow.parquet.read_table`, but without its import of `pyarrow.dataset` (0.15 s).
    """
    table = open_parquet(stream).read(columns, use_threads=False)
    return table if columns is None else table.select(columns)


def open_parquet(stream: BinaryIO) -> pq.ParquetFile:
    """A Parquet file to read with `use_threads=False`, verifying page checksums.

    Arrow's threads would hold the bytes that the stream returned. One that frees them while the
    interpreter ends is ended by Python inside a destructor, which aborts the process. Shards are
    mostly one wide column, so more threads read them no faster.
    Source: CPython 3.11 `Python/ceval_gil.h` `take_gil`; Arrow 25 `PyBuffer::~PyBuffer`.
    """
    return pq.ParquetFile(stream, page_checksum_verification=True, pre_buffer=False)


def image_tokens(table: pa.Table) -> npt.NDArray[np.uint16]:
    """The `image_tokens` column as uint16 `(rows, grid * grid)`, raster order."""
    column = table.column("image_tokens").combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(column), column.type.list_size), dtype=np.uint16)


def _opened(url: str) -> BinaryIO:
    try:
        return files.open_read(url)
    except FileNotFoundError as error:
        raise ShardError(f"{url} is missing; `dalle run encode` makes it") from error
    except Exception as error:  # a folder, or a store that refuses
        raise ShardError(f"{url} is not Parquet: {error}") from error


def _metadata_of(url: str, stream: BinaryIO) -> ShardMetadata:
    try:
        raw = (pq.read_schema(stream).metadata or {}).get(METADATA_KEY)
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise ShardError(f"{url} is not Parquet: {error}") from error
    if raw is None:
        raise ShardError(f"{url} is not a token shard: its footer has no `dalle` metadata")
    try:
        values = json.loads(raw)
        version = values["schema_version"]
        if version == SCHEMA_VERSION:
            return ShardMetadata(**values | {"pixel_range": tuple(values["pixel_range"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ShardError(f"{url} cannot be read: its `dalle` metadata is damaged") from error
    raise ShardError(
        f"{url} has schema version {version}, "
        f"this reader supports {SCHEMA_VERSION}; run `dalle run encode` again"
    )


def _table_of(url: str, stream: BinaryIO, columns: list[str] | None) -> pa.Table:
    try:
        stream.seek(0)
        return read_parquet(stream, columns)
    except Exception as error:  # as in _metadata_of
        raise ShardError(f"{url} cannot be read: {error}") from error


def _refuse_to_mix(url: str, one: ShardMetadata, other_url: str, other: ShardMetadata) -> None:
    for name in ("codec_sha256", "grid", "num_codes", "pixel_range", "preprocessing"):
        if getattr(other, name) != getattr(one, name):
            raise ShardError(
                f"shards of different codecs cannot be mixed: {name} is {getattr(one, name)} in "
                f"{url} and {getattr(other, name)} in {other_url}; encode both with one codec"
            )
