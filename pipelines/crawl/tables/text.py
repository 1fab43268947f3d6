"""Text tables: CSV, TSV and lines of JSON, plain or gzipped.

A plain TSV or JSONL file is read in parts: a line is a row. CSV is not: a cell may contain line
breaks, so that only reading from the top shows where a row begins. Nor is a gzipped table, since a
deflated stream can only be read from its beginning.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Literal

from pipelines.crawl.candidates import Found
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every, extent_of_bytes
from pipelines.crawl.streams import DAMAGED_GZIP, gunzip, is_gzip
from pipelines.crawl.tables.columns import Columns, has_header, locate, locate_unnamed
from pipelines.crawl.tables.lines import read_lines
from pipelines.crawl.tables.rows import Damage, Row, bad, found_in
from pipelines.rejection import Rejection

Format = Literal["csv", "tsv", "jsonl"]

_HEAD_ROWS = 100  # chosen: the rows by which the columns are found
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True)
class _Layout:
    """Where the columns of a table are.

    Args:
        columns: counted in `names`, where the rows are objects of JSON.
        names: keys of JSON objects; None for rows of cells.
        header: position of the row that names the columns; None where there is none.
    """

    columns: Columns
    names: list[str] | None = None
    header: int | None = None


def read_text_table(
    stream: BinaryIO, name: str, source: Source, start: int = 0, claim: Claim = every
) -> Iterator[Found | Rejection]:
    """The rows that start at or after a position; a `bad_record` for each that cannot be read.

    Args:
        stream: seekable.
        name: of the file; its suffix gives the format, else its first line does.
        source: says where the columns are.
        start: in bytes; a table that is read whole starts at 0.
        claim: asked for the start of each row, or once for a table that is read whole.

    Raises:
        ColumnError: a column is not there, or more than one could be meant.
    """
    table_format = _format(stream, name)
    layout = _layout(stream, table_format, name, source)
    if _is_whole(stream, table_format):
        if start > 0 or not claim(0):
            return
        claim = every
    for position, row in _rows(stream, table_format, start, claim):
        if isinstance(row, Damage):
            yield bad(row)
        elif position != layout.header:
            cells = [row.get(key) for key in layout.names or ()] if isinstance(row, dict) else row
            yield from found_in(cells, layout.columns, source.name)


def text_extent(stream: BinaryIO, name: str) -> Extent:
    """Bytes where a line is a row, else one piece."""
    if _is_whole(stream, _format(stream, name)):
        return WHOLE
    return extent_of_bytes(stream.seek(0, io.SEEK_END))


def _format(stream: BinaryIO, name: str) -> Format:
    bare = name.lower().removesuffix(".gz")
    for suffix, table_format in _FORMATS.items():
        if bare.endswith(suffix):
            return table_format
    first = next(_rows(stream, "jsonl"), (0, ""))[1]
    return "jsonl" if isinstance(first, dict) else "tsv"


def _is_whole(stream: BinaryIO, table_format: Format) -> bool:
    return table_format == "csv" or is_gzip(stream)


def _layout(stream: BinaryIO, table_format: Format, name: str, source: Source) -> _Layout:
    head = list(islice(_rows(stream, table_format), _HEAD_ROWS))
    if not head:
        return _Layout(Columns(0, 0))
    if table_format == "jsonl":
        objects = [row for _, row in head if isinstance(row, dict)]
        names = list(dict.fromkeys(key for row in objects for key in row))
        return _Layout(locate(names, source, name), names) if objects else _Layout(Columns(0, 0))
    if head and isinstance(head[0][1], list) and has_header(head[0][1], source):
        return _Layout(locate(head[0][1], source, name), header=head[0][0])
    cells = [row for _, row in head if isinstance(row, list)]
    return _Layout(locate_unnamed(cells, source, name))


def _rows(
    stream: BinaryIO, table_format: Format, start: int = 0, claim: Claim = every
) -> Iterator[tuple[int, Row | dict[str, Any] | Damage]]:
    """Rows that are not blank, each with its position, up to damaged compression."""
    text = gunzip(stream) if is_gzip(stream) else stream
    text.seek(0)
    lines = read_lines(text, start, claim)
    try:
        if table_format == "csv":
            yield from _csv_rows(line for _, line in lines)
            return
        parse = _json_row if table_format == "jsonl" else _tsv_row
        yield from ((position, parse(line)) for position, line in lines if line.strip("\r\n"))
    except DAMAGED_GZIP:
        yield -1, "damaged compression"


def _tsv_row(line: str) -> Row:
    return line.rstrip("\r\n").split("\t")


def _json_row(line: str) -> dict[str, Any] | Damage:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "not a line of JSON"
    return row if isinstance(row, dict) else "not an object of JSON"


def _csv_rows(lines: Iterator[str]) -> Iterator[tuple[int, Row | Damage]]:
    """Rows that are not blank, numbered."""
    first = next(lines, "")
    rows = csv.reader(chain([first], lines), delimiter=_delimiter(first))
    number = 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error:  # usually a quote that is never closed
            yield number, "not a row of CSV"
            continue
        if row is None:
            return
        if row not in ([], [""]):
            yield number, row
        number += 1


def _delimiter(first: str) -> str:
    """The comma; where the first line has none, what spreadsheets use instead."""
    return next((mark for mark in ",;\t|" if mark in first), ",")
