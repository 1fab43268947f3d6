"""Reads token shards, and does not mix those of different codecs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.packed_codes import unpack_table
from dalle_model.parquet_seal import checked_seal
from dalle_model.shard_schema import (
    ADDED_IN_VERSION_2,
    COLUMNS,
    IMAGE_TOKENS,
    METADATA_KEY,
    TOKEN_SHAPE,
    ShardMetadata,
    companion,
    parse_metadata,
)

IMAGE_DIGITS = 24  # hex digits of a key that identify its image; the other 16 identify its caption
SUFFIX = ".parquet"
# Source: pyarrow.dataset, default of `ignore_prefixes`; our own temporary files start with "." too
HIDDEN_PREFIXES = (".", "_")
# What the codes of two shards mean is the same where all of these are.
_MEANING = (
    "codec_sha256",
    "token_shape",
    "codebooks",
    "order",
    "num_codes",
    "pixel_range",
    "preprocessing",
)


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
    """The metadata that all shards share; of joined tokens those that all of them have.

    There are no `views` where those differ, which may be mixed: what a token means does not depend
    on the part of an image that it is of, and each row says in `crop` and `flipped` which that is.

    Raises:
        ShardError: two shards come from different codecs or preprocessing; names both.
    """
    first = read_metadata(urls[0])
    views, joined = first.views, dict(first.joined)
    for url in urls[1:]:
        other = read_metadata(url)
        refuse_to_mix(urls[0], first, url, other)
        views = views if views == other.views else ()
        joined = {name: one for name, one in joined.items() if name in other.joined}
    return replace(first, views=views, joined=joined)


def read_shards(urls: list[str], columns: list[str] | None = None) -> pa.Table:
    """All rows of shards of one codec, in order; page checksums are verified.

    Args:
        urls: of the shards, of any versions.
        columns: names; all where none are given. What a version did not have is null; no image was
            `flipped` then.

    Raises:
        ShardError: unreadable, of different codecs, or with different columns; names both.
    """
    first: ShardMetadata | None = None
    tables: list[pa.Table] = []
    tokenizers: dict[str, str] = {}
    for url in urls:
        with _opened(url) as stream:
            metadata = _metadata_of(url, stream)
            first = first or metadata
            refuse_to_mix(urls[0], first, url, metadata)
            tables.append(_table_of(url, stream, columns))
        refuse_other_columns(urls[0], tables[0].schema, url, tables[-1].schema)
        if metadata.tokenizer_sha256 and "text_tokens" in tables[-1].column_names:
            tokenizers.setdefault(metadata.tokenizer_sha256, url)
            refuse_other_tokenizers(tokenizers)
    return pa.concat_tables(tables, promote_options="default")


def read_parquet(stream: BinaryIO, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file whole, or some of its columns as ordered here, verifying page checksums.

    As `pyarrow.parquet.read_table`, but without its import of `pyarrow.dataset` (0.15 s).
    """
    table = open_parquet(stream).read(columns, use_threads=False)
    return table if columns is None else table.select(columns)


def open_parquet(stream: BinaryIO, footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """A Parquet file to read with `use_threads=False`, verifying page checksums.

    Where a file holds a checksum of its footer, that is compared before Arrow parses it.

    Arrow's threads would hold the bytes that the stream returned. One that frees them while the
    interpreter ends is ended by Python inside a destructor, which aborts the process. Shards are
    mostly one wide column, so more threads read them no faster.
    Source: CPython 3.11 `Python/ceval_gil.h` `take_gil`; Arrow 25 `PyBuffer::~PyBuffer`.

    Raises:
        ValueError: no Parquet, or damaged.
    """
    if footer is None:
        checked_seal(stream)
        stream.seek(0)
    return pq.ParquetFile(
        stream, metadata=footer, page_checksum_verification=True, pre_buffer=False
    )


def image_tokens(
    table: pa.Table, codebooks: int = 1, column: str = IMAGE_TOKENS
) -> npt.NDArray[np.uint16 | np.uint32]:
    """A column of image tokens as one array, in the codec's order.

    Args:
        table: rows of token shards.
        codebooks: of the shards, as their metadata say.
        column: of the tokens; in joined shards there are several.

    Returns:
        uint16, or uint32 where codes do not fit, `(rows, num_tokens)`; `(rows, num_tokens,
        codebooks)` of several codebooks.

    Raises:
        ShardError: rows have no tokens, or token shapes that differ: the column `token_shape` must
            be in the table to tell.
    """
    codes = table.column(column).combine_chunks()
    if codes.null_count:
        raise ShardError(
            f"image tokens of {len(codes)} rows are no array: {codes.null_count} rows have none; "
            "leave those out"
        )
    if pa.types.is_fixed_size_list(codes.type):
        length = codes.type.list_size
    else:
        _refuse_other_shapes(table, companion(column, TOKEN_SHAPE))
        length = len(codes[0]) if len(codes) else 0
    values = codes.flatten().to_numpy(zero_copy_only=False)
    shape = (length,) if codebooks == 1 else (length // codebooks, codebooks)
    return np.asarray(values.reshape(len(codes), *shape))


def by_token_shape(table: pa.Table, column: str = TOKEN_SHAPE) -> dict[tuple[int, ...], pa.Table]:
    """Rows with token shapes of their own, by shape: those of each are one array.

    Args:
        table: rows of token shards, with the column.
        column: of the shapes; in joined shards there may be several.

    Returns:
        By rows and columns of tokens, sorted; rows in order.

    Raises:
        ShardError: the column is not there, as of shards in which all rows have one shape.
    """
    if column not in table.column_names:
        raise ShardError(
            f"the rows have no column `{column}`: read it with them; where their shards have "
            "none, `image_tokens` makes them one array"
        )
    rows: dict[tuple[int, ...], list[int]] = {}
    for row, shape in enumerate(table.column(column).to_pylist()):
        rows.setdefault(tuple(shape), []).append(row)
    return {shape: table.take(rows[shape]) for shape in sorted(rows)}


def _refuse_other_shapes(table: pa.Table, column: str) -> None:
    if column not in table.column_names:
        raise ShardError(
            "image tokens of rows with token shapes of their own are an array only where those "
            f"agree: read the column `{column}` with them"
        )
    shapes = sorted({tuple(shape) for shape in table.column(column).to_pylist()})
    if len(shapes) > 1:
        raise ShardError(
            f"image tokens of {table.num_rows} rows are no array: there are {len(shapes)} token "
            f"shapes, such as {shapes[0]} and {shapes[1]}; `by_token_shape` gives those of each"
        )


def metadata_of(url: str, schema: pa.Schema) -> ShardMetadata:
    """What the footer of a shard says; raises as `read_metadata`."""
    raw = (schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        raise ShardError(f"{url} is not a token shard: its footer has no `dalle` metadata")
    try:
        return parse_metadata(raw)
    except ValueError as error:
        raise ShardError(f"{url} cannot be read: {error}") from error


def _opened(url: str) -> BinaryIO:
    try:
        return files.open_read(url)
    except FileNotFoundError as error:
        raise ShardError(f"{url} is missing; `dalle run encode` makes it") from error
    except Exception as error:  # a folder, or a store that refuses
        raise ShardError(f"{url} is not Parquet: {error}") from error


def _metadata_of(url: str, stream: BinaryIO) -> ShardMetadata:
    try:
        schema = open_parquet(stream).schema_arrow
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise ShardError(f"{url} is not Parquet: {error}") from error
    return metadata_of(url, schema)


def _table_of(url: str, stream: BinaryIO, columns: list[str] | None) -> pa.Table:
    try:
        stream.seek(0)
        shard = open_parquet(stream)
        wanted = names_now(shard.schema_arrow.names) if columns is None else columns
        return as_now(shard.read(wanted, use_threads=False), wanted)
    except Exception as error:  # as in _metadata_of
        raise ShardError(f"{url} cannot be read: {error}") from error


def as_now(table: pa.Table, columns: list[str]) -> pa.Table:
    """Some columns of a shard in an order; what its version lacked is null, or the one value.

    Codes that are packed are unpacked.
    """
    table = unpack_table(table)
    for name in set(columns) & set(COLUMNS) - set(table.column_names):
        value = pa.scalar(ADDED_IN_VERSION_2.get(name), COLUMNS[name])
        field = pa.field(name, COLUMNS[name], nullable=not value.is_valid)
        table = table.append_column(field, pa.repeat(value, table.num_rows))
    return table.select(columns).replace_schema_metadata()


def names_now(names: list[str]) -> list[str]:
    """The columns of a shard as this version has them."""
    ours = [name for name in COLUMNS if name in names or name in ADDED_IN_VERSION_2]
    return ours + [name for name in names if name not in COLUMNS]


def refuse_to_mix(url: str, one: ShardMetadata, other_url: str, other: ShardMetadata) -> None:
    """Raise ShardError where the codes of two shards mean different things; names both."""
    found = other.tokens
    for column, tokens in one.tokens.items():
        for name in difference(tokens, found.get(column, tokens)):
            what = name if column == IMAGE_TOKENS else f"{name} of `{column}`"
            raise ShardError(
                f"shards of different codecs cannot be mixed: {what} is {getattr(tokens, name)} in "
                f"{url} and {getattr(found[column], name)} in {other_url}; encode both with one "
                "codec"
            )


def difference(one: ShardMetadata, other: ShardMetadata) -> list[str]:
    """Names of the fields by which the codes of two shards mean different things; none else."""
    return [name for name in _MEANING if getattr(one, name) != getattr(other, name)]


def refuse_other_tokenizers(urls: Mapping[str, str]) -> None:
    """Raise ShardError where there are two; takes a shard of each, by the tokenizer's digest."""
    if len(urls) > 1:
        (one, url), (other, other_url) = urls.items()
        raise ShardError(
            f"`text_tokens` of different text tokenizers cannot be mixed: {one[:12]} made those of "
            f"{url}, {other[:12]} those of {other_url}; read the other columns, by name"
        )


def refuse_other_columns(url: str, one: pa.Schema, other_url: str, other: pa.Schema) -> None:
    """Raise ShardError where two shards have different columns; names both."""
    held = [dict(zip(schema.names, schema.types, strict=True)) for schema in (one, other)]
    for name in sorted(held[0].keys() | held[1].keys()):
        kinds = [columns.get(name, "missing") for columns in held]
        if kinds[0] != kinds[1]:
            raise ShardError(
                f"shards with different columns cannot be mixed: {name} is {kinds[0]} in {url} and "
                f"{kinds[1]} in {other_url}; read the columns that both have, by name"
            )
