"""Makes the two word files that come along, again, from the packages named in `SOURCES.md`.

    python -m pipelines.captions.transform.make_graph \
        --wordnet DIR --geonames DIR --census DIR --corpora DIR [--out DIR]

The same packages give the same bytes.
"""

import argparse
import gzip
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.captions.transform.graph import ENTITIES_PATH, NAMES_PATH, NameKind
from pipelines.captions.transform.wordnet import Synset, common_words, read_synsets, types_of

# Chosen: smaller places are met less often than the people and words that share their names.
_LEAST_POPULATION = 50_000
_LEAST_POPULATION_OF_GIVEN_NAME = 300_000  # "Aurora" the city rather than the woman
_LARGE_CITY = 500_000
_NUM_SURNAMES = 12_000  # chosen: 75 % of the people of the census
_LONGEST_NAME = 6  # words
_PLAIN_NAME = re.compile(r"[^\W\d_][\w.'&/ -]*")
_PLACE_TYPES = frozenset(("country", "us state", "continent", "city", "state", "island", "river"))
_WORKS = frozenset(("film", "tv programme", "newspaper"))
_LARGE_TYPES = frozenset(("country", "us state", "continent", "state"))
_TYPE_ORDER = ("country", "continent", "city", "us state")  # first of what one word names


def main() -> None:
    """Write both files."""
    arguments = _arguments()
    synsets = read_synsets(arguments.wordnet / "data.noun")
    words = common_words(arguments.wordnet)
    given = _census(arguments.census, "dist.male.first", "dist.female.first")
    surnames = _census(arguments.census, "dist.all.last")[:_NUM_SURNAMES]
    entities = _entities(arguments, synsets, words, {*given}, {*surnames})
    names = _names(synsets, arguments.wordnet, words, given, surnames)
    _write(arguments.out / ENTITIES_PATH.name, _with_lower_case(entities, words))
    _write(arguments.out / NAMES_PATH.name, names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of data.noun")
    parser.add_argument("--geonames", type=Path, required=True, help="folder of countries.json")
    parser.add_argument("--census", type=Path, required=True, help="folder of dist.all.last")
    parser.add_argument("--corpora", type=Path, required=True, help="data folder of corpora")
    parser.add_argument("--out", type=Path, default=ENTITIES_PATH.parent)
    return parser.parse_args()


def _entities(
    paths: argparse.Namespace,
    synsets: Mapping[str, Synset],
    words: frozenset[str],
    given: set[str],
    surnames: set[str],
) -> dict[str, str]:
    """Entity -> type; the source named first wins."""
    entities: dict[str, str] = {}
    sources = (
        _countries(paths.geonames),
        _makers(paths.corpora, words),
        _wordnet_entities(synsets, words, given | surnames),
        _corpora_entities(paths.corpora),
        _cities(paths.geonames, words, given),
    )
    for source in sources:
        for name, kind in source:
            if _PLAIN_NAME.fullmatch(name) and len(name.split()) <= _LONGEST_NAME:
                entities.setdefault(name, kind)
    return entities


def _countries(folder: Path) -> Iterator[tuple[str, str]]:
    """A state that shares its name with a large city, such as New York, is left to the city."""
    rows = json.loads((folder / "cities15000.json").read_text("utf-8")).values()
    cities = {
        row["name"].removesuffix(" City")
        for row in rows
        if row["population"] > _LARGE_CITY and row["countrycode"] == "US"
    } - {"Oklahoma", "Kansas"}  # of which the city keeps its "City"
    files = (("countries", "country"), ("us_states", "us state"), ("continents", "continent"))
    for file, kind in files:
        for row in json.loads((folder / f"{file}.json").read_text("utf-8")).values():
            name = row["name"] if isinstance(row.get("name"), str) else row["toponymName"]
            is_georgia = (
                name == "Georgia" and kind == "country"
            )  # captions mean the state more often
            if name not in cities and not is_georgia:
                yield from ((variant, kind) for variant in _variants(name))


def _cities(folder: Path, words: frozenset[str], given: set[str]) -> Iterator[tuple[str, str]]:
    rows = json.loads((folder / "cities15000.json").read_text("utf-8")).values()
    for row in sorted(rows, key=lambda row: (-row["population"], row["geonameid"])):
        name, population = row["name"], row["population"]
        least = _LEAST_POPULATION_OF_GIVEN_NAME if name in given else _LEAST_POPULATION
        is_word = name.lower() in words and population < _LARGE_CITY
        if population >= least and not is_word and name[:1].isupper():
            yield from ((variant, "city") for variant in _variants(name))


def _wordnet_entities(
    synsets: Mapping[str, Synset], words: frozenset[str], names: set[str]
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
        is_person = not types & _PLACE_TYPES
        is_one_word = " " not in name
        is_word = name.lower() in words and not types & _LARGE_TYPES
        if is_one_word and (is_word or (is_person and name in names)):
            continue
        if is_one_word and is_person and len(types) > 1:
            continue
        yield name, min(types, key=_by_importance)


def _by_importance(kind: str) -> tuple[int, str]:
    position = _TYPE_ORDER.index(kind) if kind in _TYPE_ORDER else len(_TYPE_ORDER)
    return position, kind


def _corpora_entities(folder: Path) -> Iterator[tuple[str, str]]:
    def read(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text("utf-8"))

    lists: tuple[tuple[str, Iterable[str]], ...] = (
        ("actor", read("humans/britishActors")["britishActors"]),
        ("scientist", read("humans/scientists")["scientists"]),
        ("politician", (_president(row) for row in read("humans/us_presidents")["objects"])),
        ("musician", (row["name"] for row in read("music/rock_hall_of_fame")["artists"])),
        ("person", read("humans/celebrities")["celebrities"]),
        ("business", (row for row in read("corporations/fortune500")["companies"])),
        ("newspaper", read("corporations/newspapers")["newspapers"]),
        ("film", (_untitled(name) for name in read("film-tv/popular-movies")["popular-movies"])),
        ("tv programme", read("film-tv/tv_shows")["tv_shows"]),
        ("river", (row["name"] for row in read("geography/rivers")["rivers"])),
    )
    for kind, names in lists:
        several_words = (name for name in names if " " in name and name[:1].isupper())
        yield from (_group(name, kind) for name in several_words)
    yield from _teams(read)


def _makers(folder: Path, words: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Makers of cars, and firms of one word that is no other's."""
    for file, key, kind in (
        ("cars", "cars", "automobile make"),
        ("fortune500", "companies", "business"),
    ):
        names = json.loads((folder / f"corporations/{file}.json").read_text("utf-8"))[key]
        yield from ((name, kind) for name in names if name.lower() not in words)


def _teams(read: Any) -> Iterator[tuple[str, str]]:
    leagues = ("mlb_teams", "nba_teams", "nfl_teams", "nhl_teams", "football/epl_teams")
    for league in leagues:
        for row in read(f"sports/{league}")[league.rpartition("/")[2]]:
            yield row["name"], "sports team"
            if " " in row.get("stadium", ""):
                yield row["stadium"], "stadium"


def _president(row: Mapping[str, Any]) -> str:
    return f"{row['person']['firstname']} {row['person']['lastname']}"


def _untitled(film: str) -> str:
    return re.sub(r"\s*\(\d{4}\)$", "", film)


def _group(name: str, kind: str) -> tuple[str, str]:
    is_group = kind == "musician" and (name.startswith("The ") or " and " in name or "&" in name)
    return name, "musical group" if is_group else kind


def _names(
    synsets: Mapping[str, Synset],
    wordnet: Path,
    words: frozenset[str],
    given: list[str],
    surnames: list[str],
) -> dict[str, str]:
    """Word -> what part of a name it is; the first kind that holds."""
    names: dict[str, str] = {}
    kinds: tuple[tuple[NameKind, Iterable[str]], ...] = (
        (NameKind.ADJECTIVE, _proper_adjectives(wordnet, words)),
        (NameKind.GIVEN, (name for name in given if name.lower() not in words)),
        (NameKind.GIVEN_OR_WORD, (name for name in given if name.lower() in words)),
        (NameKind.SURNAME, (name for name in surnames if not _is_word(name, words))),
        (NameKind.ROLE, _roles(synsets, wordnet)),
        (NameKind.VERB, _verbs(wordnet)),
        (NameKind.WORD, _met_words(wordnet, words)),
    )
    for kind, found in kinds:
        for name in found:
            names.setdefault(name, kind)
    return names


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


def _census(folder: Path, *files: str) -> list[str]:
    """Names as written in a sentence, commonest first within a file."""
    lines = (line for file in files for line in (folder / file).read_text("ascii").splitlines())
    return list(dict.fromkeys(_cased(line.split()[0]) for line in lines))


def _cased(name: str) -> str:
    return re.sub(r"^Mc(.)", lambda found: "Mc" + found[1].upper(), name.capitalize())


def _variants(name: str) -> Iterator[str]:
    """A name as written and without its accents."""
    yield name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    if plain != name and len(plain) >= len(name) - 1:
        yield plain


def _with_lower_case(entities: Mapping[str, str], words: frozenset[str]) -> dict[str, str]:
    """Names of several words, one of them no common word, are known without capitals too."""
    found = dict(entities)
    for name, kind in entities.items():
        parts = name.lower().split()
        rare = [part for part in parts if len(part) > 3 and not {part, part[:-1]} & words]
        if len(parts) > 1 and rare and kind not in _WORKS and parts[0] != "the":
            found.setdefault(name.lower(), kind)
    return found


def _write(path: Path, rows: Mapping[str, str]) -> None:
    text = "".join(f"{name}\t{kind}\n" for name, kind in sorted(rows.items()))
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
