"""The cells of CSV and TSV, row by row, so that damage costs the row that it is in.

A row may go on over several lines within a quoted cell, but not over any number of them, and not
over lines that are rows themselves: then a quote was opened and never closed, its own line is
dropped, and reading goes on behind that line.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.crawl.tables.lines import Line, UnreadableLine
from pipelines.crawl.tables.rows import Damage, Row

# Source: Microsoft, "Excel specifications and limits": at most 253 line feeds per cell.
MAX_CELL_LINES = 254
_OPEN_QUOTE = "a quote is opened and not closed"
_FAULTS = {  # by what the module csv says of them
    "unexpected end": _OPEN_QUOTE,
    "expected after": "text follows a closing quote",
    "new-line character": "a line break in a cell that is not quoted",
}
# A cell that is an address: of the web, or of an image in a folder.
_ADDRESS = re.compile(r"https?://\S+|\S+\.(?:jpe?g|png|gif|webp|avif|bmp|tiff?)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How the cells of a table are parted.

    Args:
        delimiter: between cells.
        is_quoted: whether cells are quoted as in RFC 4180; else a quote is a character.
        skips_space: whether a blank follows each delimiter, as in `url, caption`.
    """

    delimiter: str
    is_quoted: bool
    skips_space: bool = False


@dataclass
class _Ahead:
    """Lines, of which some were read already and are to be read again."""

    lines: Iterator[Line]
    again: deque[Line] = field(default_factory=deque)

    def next(self) -> Line | None:
        return self.again.popleft() if self.again else next(self.lines, None)


def rows_of(lines: Iterator[Line], dialect: Dialect) -> Iterator[tuple[int, Row | Damage]]:
    """Rows that are not blank, each with the position of its first line."""
    return _quoted(lines, dialect) if dialect.is_quoted else _literal(lines, dialect.delimiter)


def looks_like_address(cell: str) -> bool:
    """Whether a cell is a URL of the web or the name of an image, and no more."""
    return _ADDRESS.fullmatch(cell) is not None


def tokens(text: str, delimiter: str) -> list[tuple[str, str]]:
    """The cells of a row as written: what stands between its quotes, or else the whole cell."""
    mark = re.escape(delimiter)
    cell = rf'(?:^|(?<={mark}))(?:"((?:[^"]|"")*)"(?={mark}|\Z)|([^{mark}]*))'
    return re.findall(cell, text.rstrip("\r\n"))


def _literal(lines: Iterator[Line], delimiter: str) -> Iterator[tuple[int, Row | Damage]]:
    for position, text in lines:
        if isinstance(text, UnreadableLine):
            yield position, text.damage
        elif body := text.rstrip("\r\n"):
            yield position, body.split(delimiter)


def _quoted(lines: Iterator[Line], dialect: Dialect) -> Iterator[tuple[int, Row | Damage]]:
    ahead = _Ahead(lines)
    delimiter, is_plain, form = dialect.delimiter, not dialect.skips_space, _form(dialect)
    while True:
        is_again = bool(ahead.again)
        line = ahead.next()
        if line is None:
            return
        position, text = line
        body = text.rstrip("\r\n")
        if is_plain and '"' not in body and "\r" not in body:  # most rows of most tables
            if isinstance(text, UnreadableLine):
                yield position, text.damage
            elif body:
                yield position, body.split(delimiter)
            continue
        row: Row | Damage
        try:
            row = next(csv.reader((text,), form))  # most of the others are one line, too
        except csv.Error:
            row = _joined(text, ahead, dialect)
        if isinstance(text, UnreadableLine):
            row = text.damage
        if is_again and _closes_nothing(text, delimiter):
            row = _damage("a quote closes nothing", text)
        if row not in ([], [""]):
            yield position, row


def _joined(first: str, ahead: _Ahead, dialect: Dialect) -> Row | Damage:
    """The row that begins in a line; what follows is read again where it is no part of it."""
    taken: list[Line] = []

    def texts() -> Iterator[str]:
        yield first
        while len(taken) < MAX_CELL_LINES - 1 and (line := ahead.next()) is not None:
            taken.append(line)
            if not line[1]:  # no line, but damage
                return
            yield line[1]

    try:
        row = next(csv.reader(texts(), _form(dialect)))
        if _holds_rows(row, dialect.delimiter):
            raise csv.Error
    except csv.Error as error:
        ahead.again.extendleft(reversed(taken))
        return _damage(_OPEN_QUOTE if taken else _in_words(error), first)
    unreadable = [line for _, line in taken if isinstance(line, UnreadableLine)]
    return unreadable[0].damage if unreadable else row


def _form(dialect: Dialect) -> Any:
    """A dialect as the module csv has it, made once, since that takes longer than reading a row."""
    mark, skips = dialect.delimiter, dialect.skips_space
    return csv.reader((), delimiter=mark, skipinitialspace=skips, strict=True).dialect


def _in_words(error: csv.Error) -> str:
    return next((words for part, words in _FAULTS.items() if part in str(error)), str(error))


def _damage(why: str, text: str) -> Damage:
    return Damage(f"not a row of CSV: {why}", text=text.rstrip("\r\n"))


def _holds_rows(row: Row, delimiter: str) -> bool:
    """Whether a line inside a cell is a row of its own, or the end or the beginning of one."""
    inner = (line.split(delimiter) for cell in row if "\n" in cell for line in cell.splitlines())
    return any(len(cells) > 1 and any(map(looks_like_address, cells)) for cells in inner)


def _closes_nothing(text: str, delimiter: str) -> bool:
    """Whether a line that was taken for the inside of a cell may be its end indeed.

    A line that ends a cell has no address before the quote that does so.
    """
    for quoted, bare in tokens(text, delimiter):
        if looks_like_address(quoted) or looks_like_address(bare):
            return False
        if bare.endswith('"'):
            return True
    return False
