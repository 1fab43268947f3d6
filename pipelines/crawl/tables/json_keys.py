"""Finds the values in objects of JSON by their keys, which may differ from line to line."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from pipelines.crawl.sources import Source
from pipelines.crawl.tables.columns import (
    CARRY,
    NAMES,
    Columns,
    find_column,
    missing_column,
)
from pipelines.crawl.tables.rows import Damage, Row, joined

Object = dict[str, Any]
Objects = Iterator[Object]

_NEEDED = ("url_column", "caption_column")
_MAX_KNOWN = 1000  # chosen: as many sets of keys as a table has in earnest; bounds the memory


class Keys:
    """The keys of a table: those of most of its first objects are preferred, any other is found.

    Args:
        source: says what to look for; a number counts the keys of the first objects.
        table: name of the file, for errors.
        first: the first objects.
        others: all objects; asked for a key that the first ones lack, up to where it is.
        needs_captions: whether objects without a caption are damaged, and a table of them an error.

    Raises:
        ColumnError: in most of the first objects more than one key could be meant, or no object
            has one that is needed.
    """

    def __init__(
        self,
        source: Source,
        table: str,
        first: Sequence[Object],
        others: Callable[[], Objects],
        *,
        needs_captions: bool = True,
    ) -> None:
        self._needed = _NEEDED if needs_captions else _NEEDED[:1]
        names = list(dict.fromkeys(key for row in first for key in row))
        self._chosen: dict[str, str | None] = {}
        self._wanted: dict[str, Sequence[str]] = {}
        for setting, usual in NAMES.items():
            given = getattr(source, setting)
            if isinstance(given, int):
                find_column(names, source, setting, table)  # an error where there is none
                given = names[given]
            wanted = usual if given is None else (given.strip().lower(),)
            chosen = _most_frequent(first, wanted, source, setting, table)
            if chosen is None and (given is not None or setting in self._needed):
                chosen = next((key for row in others() for key in _among(row, wanted)), None)
                if chosen is None:
                    raise missing_column(setting, "/".join(wanted), names, table)
            self._wanted[setting], self._chosen[setting] = wanted, chosen
        for name in source.carry:
            wanted = (name.lower(),)
            if not any(_among(row, wanted) for row in chain(first, others())):
                raise missing_column(CARRY, name, names, table)
        self._carried = {name.lower(): name for name in source.carry}
        self._known: dict[tuple[str, ...], Columns | str] = {}

    def cells(self, row: Object) -> tuple[Row, Columns] | Damage:
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
        for setting in self._needed:
            if found[setting] is None:
                there = ", ".join(map(repr, keys)) or "none"
                return f"no key {'/'.join(self._wanted[setting])!r}; its keys are {there}"
        places_of = {self._carried[k]: i for i, k in enumerate(folded) if k in self._carried}
        return Columns.of(found, carried=places_of)


def object_in(line: str) -> Object | Damage:
    """The object of JSON that a line is."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Damage("not a line of JSON")
    return row if isinstance(row, dict) else Damage("not an object of JSON")


def _most_frequent(
    rows: Sequence[Object], wanted: Sequence[str], source: Source, setting: str, table: str
) -> str | None:
    """The wanted key that most objects have, in lower case; None where none has one."""
    found = [keys for row in rows if (keys := _among(row, wanted))]
    ambiguous = [row for row in rows if len(_among(row, wanted)) > 1]
    if 2 * len(ambiguous) > len(rows):
        find_column(list(ambiguous[0]), source, setting, table)  # raises the error
    counts = Counter(key for keys in found for key in set(keys))
    return max(counts, key=lambda key: (counts[key], key), default=None)


def _among(row: Object, wanted: Sequence[str]) -> list[str]:
    """The keys of an object that are wanted, in lower case."""
    return [folded for key in row if (folded := key.strip().lower()) in wanted]
