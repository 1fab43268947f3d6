"""Text tables: CSV, TSV and lines of JSON, plain or gzipped.

A plain table of lines (JSON, or cells that are not quoted) is read in parts: a line is a row. A
table that quotes its cells is not: a cell may contain line breaks, so that only reading from the
top shows where a row begins. Nor is a gzipped table, since a deflated stream can only be read from
its beginning, nor one whose lines are not those of its bytes.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, Literal

from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every, extent_of_bytes
from pipelines.crawl.tables.cells import Dialect, rows_of
from pipelines.crawl.tables.columns import Columns, header_in, locate, locate_unnamed
from pipelines.crawl.tables.dialect import HEADER_ROWS, dialect_of, width_of
from pipelines.crawl.tables.json_keys import Keys, object_in
from pipelines.crawl.tables.lines import Line, UnreadableLine, form_of, read_lines
from pipelines.crawl.tables.rows import Damage, Row, bad, found_in, joined
from pipelines.rejection import Rejection

Format = Literal["csv", "tsv", "jsonl"]
Cells = tuple[Row, Columns]

_HEAD_ROWS = 100  # chosen: the rows by which the columns are found
_HEAD_LINES = 10_000  # chosen: the lines by which the dialect is judged; some ten milliseconds
_HEAD_CHARS = 1 << 20  # chosen: as many of them as that, at most
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True)
class _Layout:
    """Where the columns of a table of cells are.

    Args:
        columns: by position.
        width: cells of a row.
        header: position of the row that names the columns; None where there is none.
    """

    columns: Columns
    width: int
    header: int | None = None

    def cells(self, row: Row) -> Cells | Damage:
        """A row of as many cells as it should have; those at the end that are not read may lack."""
        if max(self.columns.url or 0, self.columns.caption or 0) < len(row) <= self.width:
            return row, self.columns
        standard = "most rows have" if self.header is None else "the header has"
        cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
        return Damage(f"{cells}, {standard} {self.width}", text=joined(row))


def read_text_table(
    stream: BinaryIO,
    name: str,
    source: Source,
    start: int = 0,
    claim: Claim = every,
    *,
    needs_captions: bool = True,
) -> Iterator[Found | Rejection | PassedOver]:
    """The rows that start at or after a position; a rejection for each that cannot be read.

    Args:
        stream: seekable.
        name: of the file; its suffix gives the format, else its first line does.
        source: says where the columns are.
        start: in bytes; a table that is read whole starts at 0.
        claim: asked for the start of each row, or once for a table that is read whole.
        needs_captions: whether a table without a column of captions is an error.

    Raises:
        ColumnError: a column is not there, or more than one could be meant.
    """
    table_format = _format(stream, name)
    dialect = None if table_format == "jsonl" else _dialect(stream, table_format)
    if _is_whole(stream, dialect):
        if start > 0 or not claim(0):
            return
        claim = every
    lines = read_lines(stream, start, claim)
    if dialect is None:
        rows = _objects(lines, _keys(stream, name, source, needs_captions))
    else:
        rows = _cells(lines, dialect, _layout(stream, dialect, name, source, needs_captions))
    for row in rows:
        if isinstance(row, Damage):
            yield bad(row)
        else:
            yield from found_in(*row, source.name)


def find_columns(stream: BinaryIO, name: str, source: Source) -> tuple[Columns, list[str]]:
    """The columns that are read, of which captions may lack, and the names of all, if any."""
    table_format = _format(stream, name)
    if table_format == "jsonl":
        first = next(_only_objects(stream), {})
        keys = _keys(stream, name, source, needs_captions=False)
        cells = Damage("") if keys is None else keys.cells(first)
        columns = Columns(None, None) if isinstance(cells, Damage) else cells[1]
        return columns, list(first)
    dialect = _dialect(stream, table_format)
    layout = _layout(stream, dialect, name, source, needs_captions=False)
    found = rows_of(read_lines(stream), dialect)
    header = next((row for place, row in found if place == layout.header), None)
    return layout.columns, header if isinstance(header, list) else []


def text_extent(stream: BinaryIO, name: str) -> Extent:
    """Bytes where a line is a row, else one piece."""
    table_format = _format(stream, name)
    dialect = None if table_format == "jsonl" else _dialect(stream, table_format)
    if _is_whole(stream, dialect):
        return WHOLE
    return extent_of_bytes(stream.seek(0, io.SEEK_END))


def _format(stream: BinaryIO, name: str) -> Format:
    bare = name.lower().removesuffix(".gz")
    for suffix, table_format in _FORMATS.items():
        if bare.endswith(suffix):
            return table_format
    first = next((text for _, text in read_lines(stream) if text.strip()), "")
    return "jsonl" if isinstance(object_in(first), dict) else "tsv"


def _is_whole(stream: BinaryIO, dialect: Dialect | None) -> bool:
    return (dialect is not None and dialect.is_quoted) or form_of(stream).is_whole


def _dialect(stream: BinaryIO, table_format: Format) -> Dialect:
    return dialect_of(list(_head_lines(stream)), table_format)


def _head_lines(stream: BinaryIO) -> Iterator[Line]:
    num_chars = 0
    for line in islice(read_lines(stream), _HEAD_LINES):
        yield line
        num_chars += len(line[1])
        if num_chars > _HEAD_CHARS:
            return


def _cells(lines: Iterator[Line], dialect: Dialect, layout: _Layout) -> Iterator[Cells | Damage]:
    for position, row in rows_of(lines, dialect):
        if position != layout.header:
            yield row if isinstance(row, Damage) else layout.cells(row)


def _layout(
    stream: BinaryIO, dialect: Dialect, name: str, source: Source, needs_captions: bool
) -> _Layout:
    found = rows_of(read_lines(stream), dialect)
    head = [(place, row) for place, row in islice(found, _HEAD_ROWS) if isinstance(row, list)]
    if not head:
        return _Layout(Columns(0, 0), 0)
    rows = [row for _, row in head]
    header = header_in(rows[:HEADER_ROWS], source)
    if header is not None:
        position, names = head[header]
        columns = locate(names, source, name, needs_captions=needs_captions)
        return _Layout(columns, len(names), position)
    columns = locate_unnamed(rows, source, name, needs_captions=needs_captions)
    return _Layout(columns, width_of(rows))


def _keys(stream: BinaryIO, name: str, source: Source, needs_captions: bool) -> Keys | None:
    first = list(islice(_only_objects(stream), _HEAD_ROWS))
    if not first:
        return None
    others = partial(_only_objects, stream)
    return Keys(source, name, first, others, needs_captions=needs_captions)


def _objects(lines: Iterator[Line], keys: Keys | None) -> Iterator[Cells | Damage]:
    for _, text in lines:
        if isinstance(text, UnreadableLine):
            yield text.damage
        elif text.strip():
            row = object_in(text)
            if not isinstance(row, Damage) and keys is not None:
                yield keys.cells(row)
            elif isinstance(row, Damage):
                yield row


def _only_objects(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    rows = (object_in(text) for _, text in read_lines(stream))
    return (row for row in rows if isinstance(row, dict))
