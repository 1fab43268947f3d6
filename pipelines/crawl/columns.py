"""Which column of a table holds what."""

from collections.abc import Sequence
from dataclasses import dataclass

from dalle_model.errors import DalleError
from pipelines.crawl.sources import Source


class MissingColumnError(DalleError):
    """The config names a column that a table does not have."""


@dataclass(frozen=True)
class Columns:
    """Where the values of a row stand, counted from 0; None where a table has no such column."""

    url: int
    caption: int
    page_url: int | None = None
    license: int | None = None


def has_header(first: Sequence[str], source: Source) -> bool:
    """Whether the first row of a CSV or TSV table names the columns."""
    if source.has_header is not None:
        return source.has_header
    is_named = isinstance(source.url_column, str) or isinstance(source.caption_column, str)
    return is_named or "url" in _folded(first)


def locate(header: Sequence[str] | None, source: Source, table: str) -> Columns:
    """The columns of a table; without a header it is caption, URL, as Conceptual Captions has it.

    Args:
        header: names of the columns, which are compared without regard to case.
        source: says what to look for.
        table: name of the file, for the error.

    Raises:
        MissingColumnError: a column that the config names is not there.
    """
    url, caption = (1, 0) if header is None else ("url", "caption")
    return Columns(
        url=_place(header, source.url_column, url, table),
        caption=_place(header, source.caption_column, caption, table),
        page_url=_optional(header, source.page_url_column, table),
        license=_optional(header, source.license_column, table),
    )


def _optional(header: Sequence[str] | None, column: str | int | None, table: str) -> int | None:
    return None if column is None else _place(header, column, column, table)


def _place(
    header: Sequence[str] | None, column: str | int | None, default: str | int, table: str
) -> int:
    wanted = default if column is None else column
    if isinstance(wanted, int):
        return wanted
    names = _folded(header or ())
    if wanted.lower() not in names:
        raise MissingColumnError(
            f"{table} has no column {wanted!r}; its columns are "
            f"{', '.join(header) if header else 'not named'}; set the column of this source to "
            "one of them, or to a number from 0"
        )
    return names.index(wanted.lower())


def _folded(names: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in names]
