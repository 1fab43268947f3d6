"""Sources as tables: Parquet files, whose columns are codes and captions, and rows of others."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.ranges import open_in_ranges
from dalle_model.shards import SUFFIX, open_parquet
from orchestration.token_formats.facts import SetFacts, added_of, read_facts
from orchestration.token_formats.format import FormatError, Opened
from orchestration.token_formats.imported_rows import CODES

_BATCH = 512  # rows held as Python objects; chosen: some 10 MB of 1,024 codes
_CAPTIONS = ("caption", "text")  # the first that is there
_DATA = "data"  # the folder of a repository of the Hub


def open_tables(url: str, column: str, usual: str) -> Opened:
    """Open Parquet files as a source.

    Args:
        url: of a folder with Parquet files in it or in its `data`, or of one file.
        column: of the codes; empty for the usual one.
        usual: its name, of which alone the facts beside the files speak.

    Raises:
        FormatError: there is no file, no such column, or one cannot be read.
    """
    urls, facts = _parquet_files(url), read_facts(url) if column in ("", usual) else None
    column = column or usual
    footers = list(at_once(_footer, urls))
    schema = footers[0][0]
    if column not in schema.names:
        raise FormatError(
            f"{urls[0]} has no column `{column}`; --column names that of the codes, of "
            f"{', '.join(schema.names)}"
        )
    if not _holds_codes(schema.field(column).type):
        raise FormatError(
            f"{urls[0]}: `{column}` is {schema.field(column).type}, no list of whole numbers"
        )
    caption = next((name for name in _CAPTIONS if name in schema.names), None)
    names = {column: CODES} | ({caption: "caption"} if caption else {})
    return Opened(
        facts,
        rows=sum(rows for _, rows in footers),
        tables=lambda: _tables(urls, names),
        identities=identities_of(urls),
        added=_added(schema, names, facts),
    )


def identities_of(urls: list[str]) -> tuple[tuple[str, int, str | None], ...]:
    """URL, bytes and stamp of each file."""
    found = at_once(files.identity, urls)
    return tuple((each["url"], int(each["bytes"] or 0), each["stamp"]) for each in found)


def batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows, some at a time."""
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


def table_of(url: str, rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table, what they lack null; raises FormatError where a value is of another type."""
    try:
        return pa.Table.from_pylist(rows, schema)
    except (pa.ArrowException, OverflowError) as error:
        raise FormatError(f"{url} cannot be read: {error}") from error


def _parquet_files(url: str) -> list[str]:
    if url.endswith(SUFFIX):
        return [url]
    for folder in (url, files.join(url, _DATA)):
        names = [n for n in files.list_names(folder) if n.endswith(SUFFIX) and n[0] not in "._"]
        if names:
            return [files.join(folder, name) for name in names]
    raise FormatError(f"{url} has no Parquet file, nor has its folder `{_DATA}`")


def _footer(url: str) -> tuple[pa.Schema, int]:
    with _reading(url) as parquet:
        return parquet.schema_arrow, parquet.metadata.num_rows


def _tables(urls: list[str], names: dict[str, str]) -> Iterator[pa.Table]:
    for url in urls:
        with _reading(url) as parquet:
            for number in range(parquet.num_row_groups):
                table = parquet.read_row_group(number, use_threads=False)
                yield table.rename_columns([names.get(n, n) for n in table.column_names])


def _added(
    schema: pa.Schema, names: dict[str, str], facts: SetFacts | None
) -> tuple[pa.Field, ...]:
    if facts is not None:
        return facts.added
    others = [field for field in schema if field.name not in names]
    return tuple(field for field in added_of(others) if _is_plain(field.type))


def _holds_codes(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_list(kind) for is_list in lists) and pa.types.is_integer(kind.value_type)


def _is_plain(kind: pa.DataType) -> bool:
    """Whether a token set may carry it: a number or a text."""
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


@contextmanager
def _reading(url: str) -> Iterator[pq.ParquetFile]:
    try:
        with open_in_ranges(url) as stream:
            yield open_parquet(stream)
    except FormatError:
        raise
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise FormatError(f"{url} cannot be read: {error}") from error
