"""WordNet's noun file, and the plain type of each thing that it names.

Source: wndb(5WN), the format of `data.noun`; Miller 1995, "WordNet: a lexical database".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.text.entities.ontology import load_ontology

_PERSON_FILE = "18"  # Source: lexnames(5WN), noun.person
_DATA_FILES = ("data.noun", "data.verb", "data.adj", "data.adv")

# Hypernym in WordNet -> the type of a caption; the nearest one up the chain decides, and of two
# equally near the one that comes first.
TYPES: Mapping[str, str] = load_ontology().hypernyms


@dataclass(frozen=True, slots=True)
class Synset:
    """One meaning: its names as written, and what it is an instance or a kind of."""

    names: tuple[str, ...]
    parents: tuple[str, ...]
    is_instance: bool
    is_person: bool


def read_synsets(path: Path) -> dict[str, Synset]:
    """Offset -> meaning, for all lines of a data file of WordNet 3.0."""
    lines = path.read_text("ascii").splitlines()
    return dict(_synset(line) for line in lines if not line.startswith(" "))


def _synset(line: str) -> tuple[str, Synset]:
    fields = line.partition(" | ")[0].split()
    end = 4 + 2 * int(fields[3], 16)  # the number of names is hexadecimal
    names = tuple(_plain(word) for word in fields[4:end:2])
    pointers = [fields[at : at + 2] for at in range(end + 1, end + 1 + 4 * int(fields[end]), 4)]
    return fields[0], Synset(
        names=names,
        parents=tuple(target for symbol, target in pointers if symbol in ("@", "@i")),
        is_instance=any(symbol == "@i" for symbol, _ in pointers),
        is_person=fields[1] == _PERSON_FILE,
    )


def _plain(word: str) -> str:
    return word.partition("(")[0].replace("_", " ")  # adjectives carry a marker, as in "gone(a)"


def types_of(synset: Synset, synsets: Mapping[str, Synset]) -> str:
    """The plain type of what a meaning names; empty where no hypernym has one."""
    level = synset.parents
    while level:
        names = {name for offset in level for name in synsets[offset].names}
        found = [kind for hypernym, kind in TYPES.items() if hypernym in names]
        if found:
            return found[0]
        level = tuple(dict.fromkeys(up for offset in level for up in synsets[offset].parents))
    return ""


def common_words(folder: Path) -> frozenset[str]:
    """Single words that WordNet writes without a capital."""
    return frozenset(
        name
        for file in _DATA_FILES
        for synset in read_synsets(folder / file).values()
        for name in synset.names
        if name.islower() and " " not in name
    )
