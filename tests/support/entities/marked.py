"""Captions with their entities marked by hand, and how far the recogniser agrees with them."""

import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.text.entities.chunks import chunk
from pipelines.text.entities.graph import Graph
from pipelines.text.entities.kinds import PLACE, is_entity
from pipelines.text.entities.ontology import EntityClass, load_ontology
from pipelines.text.entities.words import Word
from pipelines.text.tagging.taggers import load_tagger

FOLDER = Path(__file__).parent
_MARK = re.compile(r"\[([^|\]]*)\|(\w+)\]")
# What the files mark of each class; products are not marked.
_MARKS = {
    EntityClass.PERSON: "person",
    EntityClass.FIGURE: "person",
    EntityClass.LOCATION: "place",
    EntityClass.SITE: "place",
    EntityClass.GROUP: "group",
    EntityClass.WORK: "work",
    EntityClass.EVENT: "event",
}

Mark = tuple[int, int, str]  # characters from, to; class


@dataclass(frozen=True)
class Score:
    """Entities found at the very place and of the right class, found in all, and marked in all."""

    right: int
    found: int
    marked: int

    @property
    def precision(self) -> float:
        return self.right / self.found

    @property
    def recall(self) -> float:
        return self.right / self.marked


def read_lines(name: str) -> list[str]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_marked(name: str) -> list[tuple[str, set[Mark]]]:
    """Captions and what is marked in them."""
    return [(_MARK.sub(r"\1", line), _marks(line)) for line in read_lines(name)]


def _marks(line: str) -> set[Mark]:
    marks, removed = set(), 0
    for match in _MARK.finditer(line):
        start = match.start() - removed
        marks.add((start, start + len(match[1]), match[2]))
        removed += len(match[0]) - len(match[1])
    return marks


def score(name: str, graph: Graph) -> Score:
    """The recogniser on a file of marked captions; an article is no part of a name."""
    captions = read_marked(name)
    tagged = load_tagger("perceptron").tag([text for text, _ in captions]).pairs()
    right = found = marked = 0
    for (text, marks), pairs in zip(captions, tagged, strict=True):
        words = chunk(text, pairs, graph)
        seen = {_mark(word) for word in words if _is_markable(word.kind)}
        right, found, marked = right + len(seen & marks), found + len(seen), marked + len(marks)
    return Score(right, found, marked)


def _is_markable(kind: str) -> bool:
    return kind == PLACE or (is_entity(kind) and _class(kind) in _MARKS)


def _mark(word: Word) -> Mark:
    mark = "place" if word.kind == PLACE else _MARKS[_class(word.kind)]
    return word.start + len("The ") * word.text.startswith("The "), word.end, mark


def _class(kind: str) -> EntityClass:
    return load_ontology().classes[kind]
