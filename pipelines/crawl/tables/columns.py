"""Finds the columns of a table: by the config, else by usual names, else by content."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dalle_model.errors import UsageError
from pipelines.crawl.sources import Source
from pipelines.crawl.text_encoding import decode_text

# Names to look for, ignoring case, where the config names no column.
# Source: the columns of LAION-400M, COYO-700M, Conceptual 12M, RedCaps and img2dataset's output.
URL_NAMES = ("url", "image_url", "img_url")
CAPTION_NAMES = ("caption", "captions", "text", "alt", "alt_text", "title")
PAGE_NAMES = ("page_url",)
LICENSE_NAMES = ("license",)
# Hashes of the image as served. Source: img2dataset's `compute_hash` and DataComp, for the exact
# ones. The `image_phash` of COYO is not among them: the card does not say what made it.
MD5_NAMES = ("md5",)
SHA256_NAMES = ("sha256",)
PHASH_NAMES = ("phash",)

NAMES = {
    "url_column": URL_NAMES,
    "caption_column": CAPTION_NAMES,
    "page_url_column": PAGE_NAMES,
    "license_column": LICENSE_NAMES,
    "md5_column": MD5_NAMES,
    "sha256_column": SHA256_NAMES,
    "phash_column": PHASH_NAMES,
}  # by the setting of a source
CARRY = "carry"  # the setting of a source
_HASHES = ("md5_column", "sha256_column", "phash_column")

_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_TEXTS = (dict, list, tuple)
_ADDRESSES = ("http://", "https://")


class ColumnError(UsageError):
    """A table has no column that a value could be read from, or more than one."""


@dataclass(frozen=True)
class Columns:
    """The positions of the values in a row, from 0; None where a table has no such column."""

    url: int | None
    caption: int | None
    page_url: int | None = None
    license: int | None = None
    image: int | None = None
    md5: int | None = None
    sha256: int | None = None
    phash: int | None = None
    carried: tuple[tuple[str, int], ...] = ()  # names and columns

    @classmethod
    def of(
        cls,
        found: Mapping[str, int | None],
        image: int | None = None,
        carried: Mapping[str, int] | None = None,
    ) -> "Columns":
        """The columns by the settings of `NAMES`."""
        named: dict[str, Any] = {name.removesuffix("_column"): found[name] for name in NAMES}
        return cls(**named, image=image, carried=tuple((carried or {}).items()))

    def needed(self) -> list[int]:
        """All columns that are read, ascending."""
        one_each = (column for column in vars(self).values() if isinstance(column, int))
        return sorted({*one_each, *(column for _, column in self.carried)})


def header_in(rows: Sequence[Sequence[str]], source: Source) -> int | None:
    """The number of the row of a CSV or TSV table that names the columns; None where none does.

    It is the first one unless a later one holds a name that is looked for: titles come before it.

    Args:
        rows: the first ones of the table.
        source: says what to look for.
    """
    if source.has_header is not None:
        return 0 if source.has_header and rows else None
    given = [c for c in (source.url_column, source.caption_column) if isinstance(c, str)]
    wanted = {*_folded(given), *(() if isinstance(source.url_column, str) else URL_NAMES)}
    for number, row in enumerate(rows):
        if not wanted.isdisjoint(_folded(row)):
            return number
    return 0 if given and rows else None


def locate(
    header: Sequence[str],
    source: Source,
    table: str,
    image: int | None = None,
    *,
    needs_captions: bool = True,
) -> Columns:
    """The columns of a table whose columns have names.

    Args:
        header: the names; case is ignored.
        source: says what to look for.
        table: name of the file, for the error.
        image: the column with the images' bytes; such a table needs no URLs.
        needs_captions: whether a table without a column of captions is an error.

    Raises:
        ColumnError: a column is not there, or more than one could be meant.
    """
    found = {
        setting: find_column(header, source, setting, table)
        if image is None or setting not in _HASHES or getattr(source, setting) is not None
        else None
        for setting in NAMES
    }
    if found["url_column"] is None and image is None:
        raise missing_column("url_column", "/".join(URL_NAMES), header, table)
    if found["caption_column"] is None and needs_captions:
        raise missing_column("caption_column", "/".join(CAPTION_NAMES), header, table)
    carried = {name: _carried_column(header, name, table) for name in source.carry}
    return Columns.of(found, image, carried)


def _carried_column(header: Sequence[str], name: str, table: str) -> int:
    """The column that is carried under a name; raises as `locate`."""
    found = [index for index, other in enumerate(_folded(header)) if other == name.lower()]
    if len(found) > 1:
        raise _ambiguous("carry", [repr(header[index]) for index in found], table)
    if not found:
        raise missing_column(CARRY, name, header, table)
    return found[0]


def find_column(header: Sequence[str], source: Source, setting: str, table: str) -> int | None:
    """The column for a setting of a source; None where that is unset and there is no usual name.

    Raises:
        ColumnError: as `locate`.
    """
    column: str | int | None = getattr(source, setting)
    folded = _folded(header)
    if isinstance(column, int):
        if not 0 <= column < len(header):
            raise missing_column(setting, str(column), header, table)
        return column
    wanted = NAMES[setting] if column is None else (column.strip().lower(),)
    found = [index for index, name in enumerate(folded) if name in wanted]
    if len(found) > 1:
        raise _ambiguous(setting, [repr(header[index]) for index in found], table)
    if not found and column is not None:
        raise missing_column(setting, column, header, table)
    return found[0] if found else None


def missing_column(setting: str, wanted: str, header: Sequence[str], table: str) -> ColumnError:
    """The error for a table without a column that is asked for."""
    close = difflib.get_close_matches(wanted.lower(), _folded(header), n=1)
    hint = f"did you mean {header[_folded(header).index(close[0])]!r}? " if close else ""
    remedy = (
        f"correct `{CARRY}` of this source"
        if setting == CARRY
        else f"set `{setting}` of this source to one of them, or to a number from 0"
    )
    return ColumnError(
        f"{table} has no column {wanted!r}; {hint}its columns are {', '.join(header) or 'none'}; "
        f"{remedy}"
    )


def locate_unnamed(
    rows: Sequence[Sequence[str]], source: Source, table: str, *, needs_captions: bool = True
) -> Columns:
    """The columns of a table without a header.

    Unless the config gives their numbers, the column of URLs is the one with the most URLs, and the
    column of captions the other of two.

    Args:
        rows: the first ones of the table.
        source: says where the columns are, if it does.
        table: name of the file, for the error.
        needs_captions: as `locate`; a table of one column has none.

    Raises:
        ColumnError: a name is asked for, or more than one column could be meant.
    """
    given = {name: number_of(getattr(source, name), name, table) for name in NAMES}
    if source.carry:
        raise ColumnError(
            f"{table} has no column {next(iter(source.carry))!r}: its columns have no names; leave "
            f"out `{CARRY}` of this source, or set `has_header: true`"
        )
    url = given["url_column"]
    if url is None:
        url = given["url_column"] = _column_of_urls(rows, table)
    if given["caption_column"] is None:
        is_list = not needs_captions and _width(rows) == 1
        given["caption_column"] = None if is_list else _column_of_captions(rows, url, table)
    return Columns.of(given)


def number_of(column: str | int | None, setting: str, table: str) -> int | None:
    """A column of a table whose columns have no names.

    Raises:
        ColumnError: the config gives a name.
    """
    if isinstance(column, str):
        raise ColumnError(
            f"{table} has no column {column!r}: its columns have no names; "
            f"set `{setting}` to a number from 0, or `has_header: true`"
        )
    return column


def pick(document: dict[str, Any], column: str | int | None, names: Sequence[str]) -> Any:
    """A value of a JSON object by the name that the config gives, else by the first usual one."""
    folded = {str(key).strip().lower(): value for key, value in document.items()}
    wanted = [column.lower()] if isinstance(column, str) else names
    return next((folded[name] for name in wanted if name in folded), None)


def texts_of(value: Any) -> list[str]:
    """The texts of a cell: several for a list, a single empty one for an empty cell.

    Bytes are text, as in Parquet files whose writer did not mark strings as such; NaN is nothing,
    as in pandas.

    Raises:
        UnicodeError: a ValueError: bytes of no known encoding, or half of a surrogate pair.
        ValueError: it holds structs or lists of lists.
    """
    if isinstance(value, str):
        return [_storable(value)]
    values = value if isinstance(value, list) else [value]
    if any(isinstance(v, _NO_TEXTS) for v in values):
        raise ValueError("structs or nested lists where a text should be")
    return [_storable(_text(v)) for v in values if v is not None and v == v] or [""]  # NaN != NaN


def text_of(value: Any) -> str:
    """A cell as one text: the first of a list, an empty one for a cell without text."""
    try:
        return texts_of(value)[0]
    except ValueError:
        return ""


def _text(value: Any) -> str:
    return decode_text(value) if isinstance(value, bytes) else str(value)


def _storable(text: str) -> str:
    """A text that UTF-8 can spell: JSON can spell half of a surrogate pair, too."""
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise UnicodeError("half of a surrogate pair, which is no character") from error


def _ambiguous(setting: str, found: Sequence[str], table: str) -> ColumnError:
    return ColumnError(
        f"{table}: the columns {' and '.join(found)} could each be meant; "
        f"set `{setting}` of this source to one of them"
    )


def _column_of_urls(rows: Sequence[Sequence[str]], table: str) -> int:
    counts = Counter(
        index for row in rows for index, cell in enumerate(row) if _looks_like_url(cell)
    )
    most = max(counts.values(), default=0)
    found = sorted(index for index, count in counts.items() if count == most)
    if len(found) > 1:
        raise _ambiguous("url_column", [str(index) for index in found], table)
    return found[0] if found else 1  # as in Conceptual Captions: then each row is a `bad_url`


def _column_of_captions(rows: Sequence[Sequence[str]], url: int, table: str) -> int:
    others = [index for index in range(max(2, _width(rows))) if index != url]
    if len(others) > 1:
        raise _ambiguous("caption_column", [str(index) for index in others], table)
    return others[0]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Cells of most rows; 2, a URL and a caption, where there is none."""
    widths = Counter(len(row) for row in rows)
    return min(widths, key=lambda width: (-widths[width], width), default=2)


def _looks_like_url(cell: str) -> bool:
    return cell.lstrip()[:8].lower().startswith(_ADDRESSES)


def _folded(names: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in names]
