"""Rows of a token set as the samples of a format: codes as arrays, views together, classes."""

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model.shard_schema import TOKEN_SHAPE, companion
from dalle_model.shard_sets.shard import Shard
from dalle_model.shards import image_tokens
from orchestration.token_formats.format import Export, FormatError

Codes = npt.NDArray[np.unsignedinteger[Any]]


def codes_of(export: Export, table: pa.Table) -> Codes:
    """Codes of rows of one token shape: uint16 or uint32 `(rows, num_tokens)`.

    `(rows, num_tokens, codebooks)` where there are several.
    """
    return image_tokens(table, export.tokens.codebooks, export.column)


def shaped_codes(table: pa.Table, export: Export, column: str) -> Iterator[Codes]:
    """The codes of each row in the shape of its positions, behind it the codebooks if several.

    Args:
        table: the rows, with the column `token_shape` that goes with the tokens if it has one.
        export: of which they are.
        column: of the tokens.
    """
    tokens = export.source.metadata.tokens[column]
    books = () if tokens.codebooks == 1 else (tokens.codebooks,)
    held, shapes = table[column].combine_chunks(), companion(column, TOKEN_SHAPE)
    each = table[shapes].to_pylist() if tokens.token_shape is None else None
    values = held.flatten().to_numpy(zero_copy_only=False)
    start = 0
    for row in range(len(held)):
        positions = each[row] if each is not None else tokens.token_shape or ()
        shape = (*positions, *books)
        stop = start + math.prod(shape)
        yield values[start:stop].reshape(shape)
        start = stop


def whole_samples(export: Export, shard: Shard, columns: list[str]) -> Iterator[pa.Table]:
    """The rows of a shard, cut so that all views of a pair are in one table.

    Args:
        export: whose number of views each pair has.
        shard: to read.
        columns: names; `key` and `view` are read too.

    Yields:
        Tables of `samples * views` rows: those of a pair follow each other, by view.

    Raises:
        FormatError: a pair lacks a view; names it.
        ShardError: the shard cannot be read.
    """
    wanted = list(dict.fromkeys(["key", "view", *columns]))
    waiting = shard.schema.empty_table().select(wanted)
    for table in shard.tables(wanted):
        rows = pa.concat_tables([waiting, table.cast(waiting.schema)])
        whole = rows.num_rows - rows.num_rows % export.num_views
        waiting = rows.slice(whole)
        if whole:
            yield _checked(export, shard, rows.slice(0, whole).combine_chunks())
    if waiting.num_rows:
        _refuse_views(export, shard, waiting["key"][0].as_py())


def classes_of(export: Export, table: pa.Table) -> npt.NDArray[np.int64]:
    """The class of each row, int64 `(rows,)`.

    Raises:
        FormatError: a row has none; names it.
    """
    if export.classes.isdecimal():
        return np.full(table.num_rows, int(export.classes), np.int64)
    column = table[export.classes].combine_chunks()
    if column.null_count:
        key = table.filter(column.is_null())["key"][0]
        raise FormatError(
            f"row {key} has no class: its `{export.classes}` is null; leave such rows out, or name "
            "another column with --classes"
        )
    return np.asarray(column.cast(pa.int64()))


def class_columns(export: Export) -> list[str]:
    """The column to read for classes, if they are in one."""
    return [] if not export.classes or export.classes.isdecimal() else [export.classes]


def npy(array: npt.NDArray[Any]) -> bytes:
    """An array as the content of a `.npy` file."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def _checked(export: Export, shard: Shard, table: pa.Table) -> pa.Table:
    keys = np.asarray(table["key"]).reshape(-1, export.num_views)
    views = np.asarray(table["view"]).reshape(-1, export.num_views)
    is_whole = (keys == keys[:, :1]).all(axis=1) & (views == np.arange(export.num_views)).all(
        axis=1
    )
    if not is_whole.all():
        _refuse_views(export, shard, str(keys[int(np.argmin(is_whole)), 0]))
    return table


def _refuse_views(export: Export, shard: Shard, key: str) -> None:
    raise FormatError(
        f"{shard.url}: row {key} is not there with each of {export.num_views} views, one behind "
        "the other; `dalle shards verify` says whether rows are in order, and a set in which "
        "pairs lack views can be exported as hf or webdataset"
    )
