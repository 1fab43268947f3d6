"""Tables of URLs and captions: CSV, TSV and Parquet; a bad row costs that row and no other."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.columns import Columns, has_header, locate
from pipelines.crawl.sources import Source
from pipelines.rejection import Rejection

MAX_LINE_BYTES = 1 << 20  # chosen: the rest of a longer line is left out

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_BATCH_ROWS = 1024

Row = list[Any]
Damage = str  # stands in place of a row that cannot be read, and says why


@dataclass(frozen=True)
class _Table:
    header: list[str] | None
    rows: Iterator[Row | Damage]


def read_table(stream: BinaryIO, name: str, source: Source) -> Iterator[Found | Rejection]:
    """Every row of a table, or a `bad_record` for it.

    A line of a TSV file is a row whatever quotes it holds; CSV follows RFC 4180.

    Args:
        stream: CSV or TSV, plain or gzipped, or Parquet, as its content tells; seekable.
        name: of the file; its suffix tells CSV from TSV.
        source: says where the columns are.

    Raises:
        MissingColumnError: a column of the config is not there.
    """
    try:
        table = _open(stream, name, source)
    except (pa.ArrowException, OSError, ValueError):  # what pyarrow raises on hostile bytes
        yield _bad("not readable as Parquet")
        return
    columns = locate(table.header, source, name)
    for row in table.rows:
        yield _bad(row) if isinstance(row, Damage) else _found(row, columns, source.name)


def _open(stream: BinaryIO, name: str, source: Source) -> _Table:
    if _starts_with(stream, _PARQUET):
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        return _Table(file.schema_arrow.names, _parquet_rows(file))
    if _starts_with(stream, _GZIP):
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    rows = _text_rows(stream, is_csv=name.lower().removesuffix(".gz").endswith(".csv"))
    first = next(rows, None)
    if isinstance(first, list) and has_header(first, source):
        return _Table(first, rows)
    return _Table(None, rows if first is None else chain([first], rows))


def _found(row: Row, columns: Columns, source: str) -> Found | Rejection:
    needed = max(columns.url, columns.caption) + 1
    if len(row) < needed:
        return _bad(f"{len(row)} columns, needs {needed}", "\t".join(map(_as_text, row)))
    return Found(
        raw_url=_as_text(row[columns.url]),
        caption=_as_text(row[columns.caption]),
        text_source="table",
        page_url=_optional(row, columns.page_url),
        source=source,
        license=_optional(row, columns.license),
    )


def _bad(detail: str, text: str = "") -> Rejection:
    return rejection("", text, "bad_record", detail)


def _optional(row: Row, index: int | None) -> str:
    return _as_text(row[index]) if index is not None and index < len(row) else ""


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


def _starts_with(stream: BinaryIO, magic: bytes) -> bool:
    stream.seek(0)
    start = stream.read(len(magic))
    stream.seek(0)
    return start == magic


def _parquet_rows(file: pq.ParquetFile) -> Iterator[Row | Damage]:
    for group in range(file.num_row_groups):
        try:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group]):
                values = [column.to_pylist() for column in batch.columns]
                yield from (list(row) for row in zip(*values, strict=True))
        except (pa.ArrowException, OSError, ValueError):
            yield "damaged row group"


def _text_rows(stream: BinaryIO, *, is_csv: bool) -> Iterator[Row | Damage]:
    """Rows that are not blank, up to where compression is damaged."""
    lines = _lines(stream)
    rows = _csv_rows(lines) if is_csv else (line.rstrip("\r\n").split("\t") for line in lines)
    try:
        yield from (row for row in rows if row not in ([], [""]))
    except (EOFError, OSError, zlib.error):  # what gzip raises
        yield "damaged compression"


def _csv_rows(lines: Iterator[str]) -> Iterator[Row | Damage]:
    rows = csv.reader(lines)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:  # as a rule a quote that is never closed
            yield "not a row of CSV"
            continue
        if row is None:
            return
        yield row


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Lines with their ends; what a line has above the limit is left out."""
    codec = "utf-8-sig"  # drops a byte order mark
    while line := stream.readline(MAX_LINE_BYTES):
        rest = line
        while not rest.endswith(b"\n") and (rest := stream.readline(MAX_LINE_BYTES)):
            pass
        yield line.decode(codec, "replace")
        codec = "utf-8"
