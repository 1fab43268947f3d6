"""How the cells of a table are parted and quoted, judged by many of its first lines."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pipelines.crawl.tables.cells import Dialect, looks_like_address, rows_of, tokens
from pipelines.crawl.tables.columns import URL_NAMES
from pipelines.crawl.tables.lines import Line, UnreadableLine
from pipelines.crawl.tables.rows import Damage, Row

HEADER_ROWS = 10  # chosen: how far down a header may stand, below titles
_SCORED_ROWS = 1000  # chosen: as many as show a width, and some milliseconds of work
_MARKS = {"csv": ",;\t|", "tsv": "\t,;|"}  # the usual one first
_NAMES = frozenset({*URL_NAMES, "file_name"})  # no caption is one, as it may be "title"
_QUOTED = re.compile(r'"(?:[^"]|"")*"')  # a cell, within a line
# A URL that holds no other delimiter.
_PLAIN_URL = re.compile(r"https?://[^\s;,|]+", re.IGNORECASE)


def dialect_of(lines: Sequence[Line], suffix: str) -> Dialect:
    """The dialect in which most rows are of one width.

    A header that names a column of addresses decides before that, and a URL in each row before
    their number. Cells parted by tabs are quoted only if the table shows it, all others unless they
    are damaged: a `"` that opens a cell and does not close it is a fault of its row.

    Args:
        lines: the first ones.
        suffix: `csv` or `tsv`; decides between dialects that fit equally well.
    """
    usable = [line for line in lines if not isinstance(line[1], UnreadableLine)]
    marks = [m for m in _MARKS[suffix] if any(m in text for _, text in usable)]
    dialects = [_dialect(usable, mark) for mark in marks or _MARKS[suffix][0]]
    return max(dialects, key=lambda dialect: _score(usable, dialect))


def width_of(rows: Iterable[Row]) -> int:
    """The number of cells that most rows have; of equally many the lesser, but two if it can be."""
    widths = Counter(map(len, rows))
    return min(widths, key=lambda width: (-widths[width], width < 2, width), default=2)


def _dialect(lines: Sequence[Line], mark: str) -> Dialect:
    if mark == "\t":
        return Dialect(mark, _is_quoted(lines, mark))
    return Dialect(mark, True, _skips_space(lines[:_SCORED_ROWS], mark))


def _score(lines: Sequence[Line], dialect: Dialect) -> tuple[bool, bool, int, int]:
    found = islice(rows_of(iter(lines), dialect), _SCORED_ROWS)
    rows = [row for _, row in found if isinstance(row, list)]
    width = width_of(rows)
    fitting = [row for row in rows if len(row) == width]
    is_named = any(cell.strip().lower() in _NAMES for row in rows[:HEADER_ROWS] for cell in row)
    num_urls = sum(any(map(_PLAIN_URL.fullmatch, row)) for row in fitting)
    return width > 1, is_named, num_urls, len(fitting)


def _skips_space(lines: Sequence[Line], mark: str) -> bool:
    """Whether a blank follows the delimiters of most lines."""
    bare = [_QUOTED.sub("", text) for _, text in lines]
    rows = [cells for text in bare if '"' not in text and len(cells := text.split(mark)) > 1]
    spaced = sum(all(cell.startswith(" ") for cell in cells[1:]) for cells in rows)
    return 2 * spaced > len(rows)


def _is_quoted(lines: Sequence[Line], mark: str) -> bool:
    """Whether more cells are quoted for a reason than hold quotes that RFC 4180 does not allow.

    A reason is a delimiter, a line break or a doubled quote inside, or that it is a URL, which
    nobody quotes by hand. A comma is one, too, where no other cell holds a comma: spreadsheets
    quote it in any table.
    """
    quoted = bare = commas = 0
    has_plain_comma = False
    for text, row in _written(lines, mark):
        if '"' not in text:
            has_plain_comma |= "," in text
            continue
        cells = tokens(text, mark)
        bare += sum('"' in plain for _, plain in cells) or isinstance(row, Damage)
        has_plain_comma |= any("," in plain for _, plain in cells)
        needing = [any(c in inner for c in (mark, "\n", '""')) for inner, _ in cells]
        quoted += sum(needing) + sum(looks_like_address(inner) for inner, _ in cells)
        commas += sum("," in inner for inner, _ in cells)
    return quoted + (0 if has_plain_comma else commas) > bare


def _written(lines: Sequence[Line], mark: str) -> Iterator[tuple[str, Row | Damage]]:
    """Rows as they are written, and as they are read if quotes count."""
    rows = list(rows_of(iter(lines), Dialect(mark, True)))
    positions = [position for position, _ in lines]
    starts = [bisect_left(positions, position) for position, _ in rows]
    for (_, row), start, end in zip(rows, starts, [*starts, len(lines)][1:], strict=True):
        yield "".join(text for _, text in lines[start:end]), row
