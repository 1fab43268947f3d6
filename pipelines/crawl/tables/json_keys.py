"""Finds the values in objects of JSON by their keys, which may differ from line to line."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.crawl.sources import Source
from pipelines.crawl.tables.columns import (
    NAMES,
    Columns,
    MissingColumnError,
    find_column,
    locate,
)
from pipelines.crawl.tables.rows import Damage, Row, joined

_MAX_KNOWN = 1000  # chosen: as many sets of keys as a table has in earnest; bounds the memory


class Keys:
    """The keys of a table: those of its first objects are preferred, any later one is found, too.

    Args:
        source: says what to look for; a number counts the keys of the first objects.
        table: name of the file, for errors.
        first: the first objects.
        others: objects behind them; asked for a key that the first ones lack, up to where it is.

    Raises:
        ColumnError: more than one key could be meant, or no object has one that is needed.
    """

    def __init__(
        self,
        source: Source,
        table: str,
        first: Sequence[dict[str, Any]],
        others: Iterable[dict[str, Any]],
    ) -> None:
        names = list(dict.fromkeys(key for row in first for key in row))
        names = _completed(names, source, table, others)
        found = locate(names, source, table)
        self._chosen: dict[str, str | None] = {}
        self._wanted: dict[str, Sequence[str]] = {}
        for setting, usual in NAMES.items():
            index = getattr(found, setting.removesuffix("_column"))
            chosen = None if index is None else names[index].strip().lower()
            is_given = getattr(source, setting) is not None
            self._chosen[setting] = chosen
            self._wanted[setting] = (chosen,) if is_given and chosen else usual
        self._known: dict[tuple[str, ...], Columns | str] = {}

    def cells(self, row: dict[str, Any]) -> tuple[Row, Columns] | Damage:
        """The values of an object, and which of them are read."""
        keys, cells = tuple(row), list(row.values())
        columns = self._known.get(keys)
        if columns is None:
            columns = self._columns(keys)
            if len(self._known) < _MAX_KNOWN:
                self._known[keys] = columns
        if isinstance(columns, str):
            return Damage(columns, text=joined(cells))
        return cells, columns

    def _columns(self, keys: Sequence[str]) -> Columns | str:
        folded = [key.strip().lower() for key in keys]
        found: dict[str, int | None] = {}
        for setting, wanted in self._wanted.items():
            chosen = self._chosen[setting]
            names = (chosen,) if chosen in folded else wanted
            places = [index for index, key in enumerate(folded) if key in names]
            if len(places) > 1:
                both = " and ".join(repr(keys[place]) for place in places)
                return f"the keys {both} could each be meant; set `{setting}`"
            found[setting] = places[0] if places else None
        for setting in ("url_column", "caption_column"):
            if found[setting] is None:
                there = ", ".join(map(repr, keys)) or "none"
                return f"no key {'/'.join(self._wanted[setting])!r}; its keys are {there}"
        return Columns(*(found[setting] for setting in NAMES))  # type: ignore[arg-type]


def object_in(line: str) -> dict[str, Any] | Damage:
    """The object of JSON that a line is."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Damage("not a line of JSON")
    return row if isinstance(row, dict) else Damage("not an object of JSON")


def _completed(
    names: list[str], source: Source, table: str, others: Iterable[dict[str, Any]]
) -> list[str]:
    """The names, and a key for each column that they lack, of the first other object with one."""
    missing = {setting for setting in NAMES if _is_missing(setting, names, source, table)}
    for row in others if missing else ():
        for setting in sorted(missing):
            if not _is_missing(setting, list(row), source, table):
                index = find_column(list(row), source, setting, table)
                names = [*names, list(row)[index or 0]]
                missing.remove(setting)
        if not missing:
            break
    return names


def _is_missing(setting: str, names: Sequence[str], source: Source, table: str) -> bool:
    """Whether a column that must be there is not."""
    given = getattr(source, setting)
    is_needed = given is not None or setting in {"url_column", "caption_column"}
    if isinstance(given, int) or not is_needed:
        return False
    try:
        return find_column(names, source, setting, table) is None
    except MissingColumnError:
        return True
