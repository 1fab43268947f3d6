"""Entities of WordNet, and those of all sources in one table."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set

from tools.entities.wordnet import Synset, types_of

_LONGEST_NAME = 6  # words
_PLAIN_NAME = re.compile(r"[^\W\d_][\w.'&/ -]*")
_PLACE_TYPES = frozenset(("country", "us state", "continent", "city", "state", "island", "river"))
_LARGE_TYPES = frozenset(("country", "us state", "continent", "state"))
_TYPE_ORDER = ("country", "continent", "city", "us state")  # first of what one word names
_WORKS = frozenset(("film", "tv programme", "newspaper"))


def joined(*sources: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Entity -> type; the source named first wins."""
    entities: dict[str, str] = {}
    for source in sources:
        for name, kind in source:
            if _PLAIN_NAME.fullmatch(name) and len(name.split()) <= _LONGEST_NAME:
                entities.setdefault(name, kind)
    return entities


def named_in_wordnet(
    synsets: Mapping[str, Synset], words: frozenset[str], given: Set[str], surnames: Set[str]
) -> Iterator[tuple[str, str]]:
    """A person by one word only where that word is no other's name and no common word."""
    found: dict[str, set[str]] = {}
    for synset in synsets.values():
        if synset.is_instance:
            typed = types_of(synset, synsets)
            for name in synset.names if typed else ():
                if name[:1].isupper():
                    found.setdefault(name, set()).add(typed)
    for name, types in sorted(found.items()):
        if " " in name or not _is_another(name, types, words, given, surnames):
            yield name, min(types, key=_by_importance)


def _is_another(
    name: str,
    types: Set[str],
    words: frozenset[str],
    given: Set[str],
    surnames: Set[str],
) -> bool:
    """Whether one word is met more often as a common word or as another's name."""
    if name.lower() in words:
        return not types & _LARGE_TYPES
    if name in given:
        return not types & (_LARGE_TYPES | {"city"})
    return not types & _PLACE_TYPES and (name in surnames or len(types) > 1)


def _by_importance(kind: str) -> tuple[int, bool, str]:
    position = _TYPE_ORDER.index(kind) if kind in _TYPE_ORDER else len(_TYPE_ORDER)
    return position, kind not in _PLACE_TYPES, kind


def with_lower_case(entities: Mapping[str, str], words: frozenset[str]) -> dict[str, str]:
    """Names of several words, one of them no common word, are known without capitals too."""
    found = dict(entities)
    for name, kind in entities.items():
        parts = name.lower().split()
        rare = [part for part in parts if len(part) > 3 and not {part, part[:-1]} & words]
        if len(parts) > 1 and rare and kind not in _WORKS and parts[0] != "the":
            found.setdefault(name.lower(), kind)
    return found
