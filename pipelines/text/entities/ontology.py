"""The types of entities, their classes, and the words that give a type away: `types.tsv`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self, TypeVar

TYPES_PATH = Path(__file__).with_name("types.tsv")
_COLUMNS = ("type", "class", "last words", "first words", "titles", "wordnet")
_BEFORE_OF = " of"

Meaning = TypeVar("Meaning")


class EntityClass(StrEnum):
    """What the entities of a type are; the head of `types.tsv` describes each."""

    PERSON = "person"
    FIGURE = "figure"
    LOCATION = "location"
    SITE = "site"
    GROUP = "group"
    WORK = "work"
    EVENT = "event"
    PRODUCT = "product"


@dataclass(frozen=True)
class Ontology:
    """The table of types by each of its columns.

    Args:
        classes: type -> class.
        last_words: last word of a name -> type.
        first_words: first word of a name -> type.
        first_before_of: those first words that give a type away only before "of".
        titles: title before a name -> type.
        hypernyms: hypernym in WordNet -> type, in the order of the table.
    """

    classes: Mapping[str, EntityClass]
    last_words: Mapping[str, str]
    first_words: Mapping[str, str]
    first_before_of: frozenset[str]
    titles: Mapping[str, str]
    hypernyms: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Self:
        """The ontology in the text of a table.

        Raises:
            ValueError: a line of the wrong form, an unknown class, or a type or word that is
                given two meanings.
        """
        rows = list(_rows(text))
        first = list(_words(rows, "first words"))
        return cls(
            classes=_once((row["type"], EntityClass(row["class"])) for row in rows),
            last_words=_once(_words(rows, "last words")),
            first_words=_once((word.removesuffix(_BEFORE_OF), kind) for word, kind in first),
            first_before_of=frozenset(
                word.removesuffix(_BEFORE_OF) for word, _ in first if word.endswith(_BEFORE_OF)
            ),
            titles=_once(_words(rows, "titles")),
            hypernyms=_once(_words(rows, "wordnet")),
        )

    def nouns(self, entity_class: EntityClass) -> frozenset[str]:
        """The last words of the types of a class, such as "range" of "mountain range"."""
        found = (kind for kind, its_class in self.classes.items() if its_class == entity_class)
        return frozenset(kind.rpartition(" ")[2] for kind in found)


@cache
def load_ontology() -> Ontology:
    """The bundled table; read once per process."""
    return Ontology.of(TYPES_PATH.read_text("utf-8"))


def _rows(text: str) -> Iterator[dict[str, str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if not lines or tuple(lines[0].split("\t")) != _COLUMNS:
        raise ValueError(f"the table of types begins with the columns {', '.join(_COLUMNS)}")
    for line in lines[1:]:
        cells = line.split("\t")
        if not 2 <= len(cells) <= len(_COLUMNS):
            raise ValueError(f"the table of types: {len(cells)} columns in {line!r}")
        yield dict(zip(_COLUMNS, cells + [""] * (len(_COLUMNS) - len(cells)), strict=True))


def _words(rows: list[dict[str, str]], column: str) -> Iterator[tuple[str, str]]:
    """Each word of a column with its type."""
    for row in rows:
        yield from ((word, row["type"]) for word in row[column].split(", ") if word)


def _once(pairs: Iterable[tuple[str, Meaning]]) -> dict[str, Meaning]:
    """A dictionary of pairs, none of which contradicts another."""
    found: dict[str, Meaning] = {}
    for word, meaning in pairs:
        if found.setdefault(word, meaning) != meaning:
            raise ValueError(f"the table of types: {word!r} is both {found[word]} and {meaning}")
    return found
