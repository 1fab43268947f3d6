import gzip
import json
import sys
from pathlib import Path

import pytest

from tools.entities import __main__ as maker

_NOUNS = """\
00000001 18 n 01 person 0 000 | a human
00000002 18 n 02 actor 0 player 0 001 @ 00000001 n 0000 | one who plays
00000003 18 n 02 Bogart 0 Humphrey_Bogart 0 001 @i 00000002 n 0000 | played in films
00000004 18 n 02 Smith 0 Bessie_Smith 0 001 @i 00000001 n 0000 | sang
00000005 15 n 01 city 0 000 | many houses
00000006 15 n 01 Bath 0 001 @i 00000005 n 0000 | a spa
00000007 06 n 01 bath 0 000 | a tub
"""


def _city(name: str, population: int, country: str = "FR") -> dict[str, object]:
    return {"name": name, "population": population, "countrycode": country, "geonameid": 1}


_CITIES = [
    _city("Orléans", 116_490),
    _city("New York City", 8_000_000, "US"),
    _city("Emma", 90_000),
]
_Tables = tuple[dict[str, str], dict[str, str]]
_WRITTEN = [("Boston Bruins", "sports team"), ("Boeing", "business")]
_FILES = {
    "wordnet/data.noun": _NOUNS,
    "wordnet/data.verb": "00000009 29 v 01 adorn 0 000 01 + 08 00 | deck\n",
    "wordnet/data.adj": "00000010 01 a 01 Pakistani 0 000 | of it\n",
    "wordnet/data.adv": "",
    "wordnet/index.noun": "player n 1 0 1 0 00000002\nbath n 2 0 2 1 00000007 00000006\n",
    "wordnet/index.verb": "adorn v 1 0 1 0 00000009\nbath v 1 0 1 0 00000009\n",
    "wordnet/index.adv": "",
    "wordnet/index.adj": "pakistani a 1 0 1 0 00000010\n",
    "geonames/countries.json": json.dumps({"FR": {"name": "France"}}),
    "geonames/us_states.json": json.dumps({"NY": {"name": "New York"}, "TX": {"name": "Texas"}}),
    "geonames/continents.json": json.dumps({"EU": {"toponymName": "Europe"}}),
    "geonames/cities15000.json": json.dumps(dict(enumerate(_CITIES))),
    "census/dist.male.first": "JOHN 3.2 3.2 1\n",
    "census/dist.female.first": "EMMA 0.2 0.2 1\nBATH 0.1 0.1 2\n",
    "census/dist.all.last": "SMITH 1.0 1.0 1\nMCKAY 0.8 1.8 2\n",
}


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Tables:
    for name, content in _FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    folders = [f"--{name}={tmp_path / name}" for name in ("wordnet", "geonames", "census")]
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(maker, "written_here", lambda: iter(_WRITTEN))
        monkeypatch.setattr(sys, "argv", ["maker", *folders, f"--out={tmp_path / name}"])
        maker.main()
        paths = [tmp_path / name / f"{table}.tsv.gz" for table in ("entities", "names")]
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    entities, names = (gzip.decompress(table).decode().splitlines() for table in written[0])
    return dict(row.split("\t") for row in entities), dict(row.split("\t") for row in names)


def test_tables_of_small_packages(tables: _Tables) -> None:
    entities, names = tables
    assert entities == {
        "Bessie Smith": "person", "Boeing": "business", "Bogart": "actor",
        "Boston Bruins": "sports team", "Europe": "continent", "France": "country",
        "Humphrey Bogart": "actor", "New York City": "city", "Orleans": "city", "Orléans": "city",
        "Texas": "us state", "bessie smith": "person", "boston bruins": "sports team",
        "humphrey bogart": "actor", "new york city": "city",
    }  # fmt: skip
    roles = {name for name, kind in names.items() if kind == "role"}
    assert {"player", "star", "model"} <= roles
    assert {name: kind for name, kind in names.items() if kind != "role"} == {
        "Emma": "given name", "John": "given name", "Bath": "given name or word",
        "Smith": "surname", "McKay": "surname", "Pakistani": "proper adjective",
        "adorn": "verb", "bath": "word",
    }  # fmt: skip
