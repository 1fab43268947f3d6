"""What names refer to: a table of entity -> type that a user can replace, and the parts of names.

A table is UTF-8 text, plain or `.gz`, one `entity<TAB>type` a line; lines that begin with `#` and
empty lines are skipped. Entities are matched as written, so a name that is also to be known in
lower case is listed in lower case too. Where the tables come from: `SOURCES.md`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from dalle_model.errors import UsageError
from dalle_model.files import sha256
from pipelines.text import word_files
from pipelines.text.entities.ontology import TYPES_PATH

ENTITIES_PATH = Path(__file__).with_name("entities.tsv.gz")
NAMES_PATH = Path(__file__).with_name("names.tsv.gz")
DEFAULT = "default"

_FIRST_WORD = re.compile(r"\w+")


class GraphError(UsageError):
    """A table of entities cannot be used."""


class NameKind(StrEnum):
    """What a word of a name can be."""

    GIVEN = "given name"
    GIVEN_OR_WORD = "given name or word"
    SURNAME = "surname"
    ADJECTIVE = "proper adjective"
    ROLE = "role"
    VERB = "verb"
    WORD = "word"


@dataclass(frozen=True)
class Graph:
    """Entities and the parts of names.

    Args:
        types: entity as written -> type, an English noun such as "city".
        names: word -> what part of a name it can be.
        longest: first word of an entity -> length in characters of the longest that begins so.
        lower_starts: such words of entities in lower case.
        digest: sha256 of this table, of the parts of names and of the types.
    """

    types: Mapping[str, str]
    names: Mapping[str, str]
    longest: Mapping[str, int]
    lower_starts: frozenset[str]
    digest: str

    @classmethod
    def of(cls, types: Mapping[str, str], digest: str) -> Self:
        """A graph of these entities, with the bundled parts of names."""
        longest: dict[str, int] = {}
        for entity in types:
            first = first_word(entity)
            longest[first] = max(longest.get(first, 0), len(entity))
        lower_starts = frozenset(first for first in longest if first.islower())
        return cls(types, _names(), longest, lower_starts, digest)

    def is_role(self, word: str) -> bool:
        """Whether a noun means a person: "artist", "striker"."""
        return self.names.get(word.lower()) == NameKind.ROLE

    def is_verb(self, word: str) -> bool:
        """Whether a word can be no noun: "adorn", "performs"."""
        return any(self.names.get(stem) == NameKind.VERB for stem in _stems(word))

    def is_common(self, word: str) -> bool:
        """Whether a word is one that needs no capital: "Sticks", "Drawing"."""
        kinds = (self.names.get(stem) for stem in _stems(word.lower()))
        return any(kind in (NameKind.WORD, NameKind.VERB, NameKind.ROLE) for kind in kinds)


@cache
def load_graph(source: str = DEFAULT) -> Graph:
    """The bundled graph, or the one in a file of the user's.

    Args:
        source: `default`, or path or URL of a table.

    Raises:
        GraphError: the file is missing or a line of it is wrong.
    """
    path = str(ENTITIES_PATH) if source == DEFAULT else source
    raw = word_files.read(path, GraphError)
    return Graph.of(read_table(raw, path), _digest(raw))


def graph_digest(source: str = DEFAULT) -> str:
    """What a result that used the graph depends on, for fingerprints.

    Raises:
        GraphError: as `load_graph`, so that a wrong line is reported before any row is read.
    """
    path = str(ENTITIES_PATH) if source == DEFAULT else source
    raw = word_files.read(path, GraphError)
    if source != DEFAULT:
        read_table(raw, path)
    return _digest(raw)


def read_table(raw: bytes, path: str) -> dict[str, str]:
    """Entity -> type, for the bytes of a table.

    Args:
        raw: the file, packed where its name ends in `.gz`.
        path: for its name and for messages.

    Raises:
        GraphError: with file and line.
    """
    table: dict[str, str] = {}
    for number, line in _lines(raw, path):
        entity, _, kind = (part.strip() for part in line.partition("\t"))
        if not (entity and kind) or "\t" in kind:
            wanted = "an entity, one tab and a type"
            raise GraphError(f"{path}:{number}: expected {wanted}, found {line!r}; edit the line.")
        if table.setdefault(entity, kind) != kind:
            raise GraphError(
                f"{path}:{number}: {entity!r} is {kind!r} here and {table[entity]!r} above; "
                "keep one of the two lines."
            )
    return table


def _lines(raw: bytes, path: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is neither empty nor a comment."""
    text = word_files.decode(raw, path, GraphError)
    for number, found in enumerate(text.split("\n"), start=1):
        if found.strip() and not found.startswith("#"):
            yield number, found.rstrip("\r")


def _digest(raw: bytes) -> str:
    return sha256(raw + NAMES_PATH.read_bytes() + TYPES_PATH.read_bytes())


@cache
def _names() -> dict[str, str]:
    return read_table(NAMES_PATH.read_bytes(), str(NAMES_PATH))


def _stems(word: str) -> Iterator[str]:
    """A word and what it may be an inflected form of."""
    yield word
    for ending in ("s", "es", "d", "ed", "ing", "ly"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word.removesuffix(ending)
    if word.endswith("ing"):
        yield word.removesuffix("ing") + "e"
    if word.endswith("ies"):
        yield word.removesuffix("ies") + "y"


def first_word(text: str) -> str:
    """The letters and digits that a text begins with, or its first character."""
    match = _FIRST_WORD.match(text)
    return match[0] if match else text[:1]
