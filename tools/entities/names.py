"""What words can be in a name, from the US Census of 1990 and from WordNet."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipelines.text.entities.graph import NameKind
from pipelines.text.entities.kinds import PERSON_NOUNS
from tools.entities.wordnet import Synset, read_synsets


def name_parts(
    wordnet: Path,
    synsets: Mapping[str, Synset],
    words: frozenset[str],
    given: list[str],
    surnames: list[str],
) -> dict[str, str]:
    """Word -> what part of a name it is; the first kind that applies."""
    names: dict[str, str] = {}
    kinds: tuple[tuple[NameKind, Iterable[str]], ...] = (
        (NameKind.ADJECTIVE, _proper_adjectives(wordnet, words)),
        (NameKind.GIVEN, (name for name in given if name.lower() not in words)),
        (NameKind.GIVEN_OR_WORD, (name for name in given if name.lower() in words)),
        (NameKind.SURNAME, (name for name in surnames if not _is_word(name, words))),
        (NameKind.ROLE, (*_roles(synsets, wordnet), *sorted(PERSON_NOUNS), "star")),
        (NameKind.VERB, _verbs(wordnet)),
        (NameKind.WORD, _met_words(wordnet, words)),
    )
    for kind, found in kinds:
        for name in found:
            names.setdefault(name, kind)
    return names


def census(folder: Path, *files: str) -> list[str]:
    """Names as written in a sentence, commonest first within a file."""
    lines = (line for file in files for line in (folder / file).read_text("ascii").splitlines())
    return list(dict.fromkeys(_cased(line.split()[0]) for line in lines))


def _cased(name: str) -> str:
    return re.sub(r"^Mc(.)", lambda found: "Mc" + found[1].upper(), name.capitalize())


def _proper_adjectives(wordnet: Path, words: frozenset[str]) -> Iterator[str]:
    """Such as "Pakistani" and "Victorian": adjectives that are written with a capital."""
    for synset in read_synsets(wordnet / "data.adj").values():
        for name in synset.names:
            is_proper = name[0].isupper() and name.isalpha() and not name.isupper()
            if is_proper and name.lower() not in words:
                yield name


def _roles(synsets: Mapping[str, Synset], wordnet: Path) -> Iterator[str]:
    """Nouns whose commonest meaning is a person: "artist", "striker"."""
    for line in (wordnet / "index.noun").read_text("ascii").splitlines():
        fields = line.split()
        if line.startswith(" ") or not fields[0].isalpha() or len(fields[0]) < 3:
            continue
        first = synsets[fields[-int(fields[2])]]
        if first.is_person and not first.is_instance and fields[0] in first.names:
            yield fields[0]


def _is_word(name: str, words: frozenset[str]) -> bool:
    return bool({name.lower(), name.lower().removesuffix("s")} & words)


def _met_words(wordnet: Path, words: frozenset[str]) -> Iterator[str]:
    """Common words that the texts behind WordNet's counts of senses use at least once."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in (wordnet / f"index.{part}").read_text("ascii").splitlines():
            fields = line.split()
            is_met = line[:1] != " " and int(fields[-int(fields[2]) - 1]) > 0
            if is_met and fields[0] in words:
                yield fields[0]


def _verbs(wordnet: Path) -> list[str]:
    """Verbs that are no nouns, such as "adorn"."""

    def lemmas(part: str) -> set[str]:
        lines = (wordnet / f"index.{part}").read_text("ascii").splitlines()
        return {line.partition(" ")[0] for line in lines if line[:1] != " "}

    nouns, adjectives = lemmas("noun"), lemmas("adj")
    return sorted(verb for verb in lemmas("verb") - nouns - adjectives if verb.isalpha())
