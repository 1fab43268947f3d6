"""Rows of another format as rows of a token set: keys from content, codes checked, all else empty.

What a source does not state is null, or of columns that have no nulls empty, zero or false; a crop
is of no pixels.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shard_schema import IMAGE_TOKENS, TOKEN_SHAPE, ShardMetadata
from dalle_model.token_shape import token_dtype
from orchestration.token_formats.format import FormatError
from pipelines.io.keys import local_pair_key

CODES = "codes"  # the column of codes in a table of a source
_TEXT_TOKENS = "text_tokens"  # of a tokenizer that no source names; captions give them again
_KEY = "^[0-9a-f]{40}$"


def to_rows(source: str, table: pa.Table, schema: pa.Schema, metadata: ShardMetadata) -> pa.Table:
    """Rows of a token set.

    Args:
        source: URL, for errors.
        table: `codes`, and what else of the schema the source states, under its names.
        schema: of the token set.
        metadata: what its codes mean.

    Raises:
        FormatError: codes are too many or too few, or not below their number; names a row.
    """
    table = with_keys(table)
    columns = {IMAGE_TOKENS: _checked_codes(source, table, metadata)}
    for field in schema:
        if field.name in columns:
            continue
        if field.name in table.column_names and field.name != _TEXT_TOKENS:
            columns[field.name] = _cast(source, table, field)
        else:
            columns[field.name] = _empty(field, table.num_rows)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def with_keys(table: pa.Table) -> pa.Table:
    """A table with the columns `key`, `caption` and `source_key`.

    A key is kept where it is one of ours. Else it is a hash of what the source calls the image, or
    of its codes where it has no name, and of the caption.
    """
    rows = table.num_rows
    captions = _texts(table, "caption", rows)
    named = _names(table, rows)
    is_ours = pc.fill_null(pc.match_substring_regex(_texts(table, "key", rows), _KEY), False)
    keys = _texts(table, "key", rows).to_pylist()
    for row in np.flatnonzero(~np.asarray(is_ours)):
        name, caption = named[row].as_py(), captions[row].as_py()
        content = name.encode() if name else _bytes(table[CODES][row].as_py() or [])
        keys[row] = local_pair_key(content, caption)
    found = table.drop_columns(
        [n for n in ("key", "caption", "source_key") if n in table.schema.names]
    )
    for column, values in (("key", keys), ("caption", captions), ("source_key", named)):
        found = found.append_column(column, pa.array(values, pa.string()))
    return found


def _names(table: pa.Table, rows: int) -> pa.Array:
    """What the source calls each image: null where it does not, or where its key is one of ours."""
    held = (
        table["source_key"] if "source_key" in table.column_names else pa.nulls(rows, pa.string())
    )
    keys = _texts(table, "key", rows)
    is_foreign = pc.invert(pc.fill_null(pc.match_substring_regex(keys, _KEY), False))
    is_name = pc.and_(is_foreign, pc.not_equal(keys, ""))
    own = pc.if_else(is_name, keys, pa.scalar(None, pa.string()))
    found = pc.coalesce(held.cast(pa.string()), own)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _texts(table: pa.Table, name: str, rows: int) -> pa.Array:
    if name not in table.column_names:
        return pa.array([""] * rows, pa.string())
    return pc.fill_null(table[name].cast(pa.string()), "").combine_chunks()


def _bytes(codes: list[int]) -> bytes:
    return np.asarray(codes, np.int64).astype("<u4").tobytes()


def _checked_codes(source: str, table: pa.Table, metadata: ShardMetadata) -> pa.Array:
    codes = table[CODES].combine_chunks()
    if codes.null_count:
        raise FormatError(f"{source}: row {table['key'][_first(codes.is_null())]} has no codes")
    if pa.types.is_fixed_size_list(codes.type):
        codes = codes.cast(pa.list_(codes.type.value_type))
    lengths = np.asarray(pc.list_value_length(codes))
    wrong = np.flatnonzero(lengths != _expected_lengths(source, table, metadata))
    if len(wrong):
        place = int(wrong[0])
        raise FormatError(
            f"{source}: row {table['key'][place]} has {lengths[place]:,} codes, and "
            f"{metadata.words} are expected; --token-shape says how many there are"
        )
    values = codes.flatten()
    least, most = (int(f(values).as_py() or 0) for f in (pc.min, pc.max))
    if least < 0 or most >= metadata.num_codes:
        raise FormatError(
            f"{source} has the code {least if least < 0 else most}, which is not below "
            f"{metadata.num_codes:,}; --num-codes says how many there are"
        )
    return _lists(
        values.cast(pa.from_numpy_dtype(token_dtype(metadata.num_codes))), lengths, metadata
    )


def _lists(values: pa.Array, lengths: Any, metadata: ShardMetadata) -> pa.Array:
    if metadata.token_shape is not None:
        return pa.FixedSizeListArray.from_arrays(values, metadata.num_tokens * metadata.codebooks)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), values)


def _expected_lengths(source: str, table: pa.Table, metadata: ShardMetadata) -> Any:
    if metadata.token_shape is not None:
        return metadata.num_tokens * metadata.codebooks
    if TOKEN_SHAPE not in table.column_names:
        raise FormatError(f"{source}: rows have token shapes of their own, which it does not state")
    shapes = table[TOKEN_SHAPE].to_pylist()
    return np.array([int(np.prod(shape)) for shape in shapes]) * metadata.codebooks


def _first(flags: pa.Array) -> int:
    return int(np.flatnonzero(np.asarray(flags))[0])


def _cast(source: str, table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    try:
        column = table[field.name].cast(field.type)
    except pa.ArrowException as error:
        raise FormatError(f"{source}: `{field.name}` is not {field.type}: {error}") from error
    return column if not column.null_count or _may_be_null(field) else _filled(column, field.type)


def _empty(field: pa.Field, rows: int) -> pa.Array:
    if _may_be_null(field):
        return pa.nulls(rows, field.type)
    return pa.array([_nothing(field.type)] * rows, field.type)


def _filled(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    nothing = _nothing(kind)
    return pa.array([nothing if value is None else value for value in column.to_pylist()], kind)


def _may_be_null(field: pa.Field) -> bool:
    # Arrow 25 cannot read null among lists of a fixed length from Parquet: "Expected all lists to
    # be of size=4 but index 1 had size=0". An unknown crop is one of no pixels.
    return bool(field.nullable and not pa.types.is_fixed_size_list(field.type))


def _nothing(kind: pa.DataType) -> Any:
    if pa.types.is_string(kind):
        return ""
    if pa.types.is_fixed_size_list(kind):
        return [0] * kind.list_size
    return [] if pa.types.is_list(kind) else False if pa.types.is_boolean(kind) else 0
