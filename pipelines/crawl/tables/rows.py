"""From a row of a table to its image and captions."""

from collections.abc import Iterator
from typing import Any

from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.tables.columns import Columns, text_of, texts_of
from pipelines.rejection import Rejection

Row = list[Any]
Damage = str  # in place of a row that cannot be read: the reason


def found_in(row: Row, columns: Columns, source: str) -> Iterator[Found | Rejection]:
    """The image of a row, once for each caption; a `bad_record` for a row that lacks a cell.

    Args:
        row: its cells.
        columns: where its values are; the URL is empty where there is no such column.
        source: as in `Candidate`.
    """
    needed = max(columns.url or 0, columns.caption) + 1
    if len(row) < needed:
        yield bad(f"{len(row)} columns, needs {needed}", "\t".join(map(text_of, row)))
        return
    try:
        captions = texts_of(row[columns.caption])
    except ValueError as error:
        yield rejection(_cell(row, columns.url), "", "bad_record", str(error))
        return
    for caption in captions:
        yield Found(
            raw_url=_cell(row, columns.url),
            caption=caption,
            text_source="table",
            page_url=_cell(row, columns.page_url),
            source=source,
            license=_cell(row, columns.license),
        )


def bad(detail: str, text: str = "") -> Rejection:
    """The rejection of a row that cannot be read."""
    return rejection("", text, "bad_record", detail)


def _cell(row: Row, index: int | None) -> str:
    return text_of(row[index]) if index is not None and index < len(row) else ""
