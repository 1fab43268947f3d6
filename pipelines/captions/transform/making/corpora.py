"""What the lists of dariusk/corpora name. Source: its JSON files, CC0 1.0."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def listed(folder: Path) -> Iterator[tuple[str, str]]:
    """Names of several words; of one word, too many are other things too."""

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


def makers(folder: Path, words: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Makers of cars, and firms of one word that is no other's."""
    for file, key, kind in (
        ("cars", "cars", "automobile make"),
        ("fortune500", "companies", "business"),
    ):
        names = json.loads((folder / f"corporations/{file}.json").read_text("utf-8"))[key]
        yield from ((name, kind) for name in names if name.lower() not in words)


def _teams(read: Callable[[str], Any]) -> Iterator[tuple[str, str]]:
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
