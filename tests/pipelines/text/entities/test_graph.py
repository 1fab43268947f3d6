import gzip
import hashlib
import re

import pytest

from pipelines.text.entities.graph import (
    ENTITIES_PATH,
    NAMES_PATH,
    GraphError,
    NameKind,
    graph_digest,
    load_graph,
    read_table,
)

_SOURCES = ENTITIES_PATH.with_name("SOURCES.md")


def test_table_has_comments_and_empty_lines_and_both_line_ends() -> None:
    raw = b"# places\nParis\tcity\r\n\n  Nile \t river \n"
    assert read_table(raw, "own.tsv") == {"Paris": "city", "Nile": "river"}


def test_packed_table() -> None:
    assert read_table(gzip.compress(b"Paris\tcity\n"), "own.tsv.gz") == {"Paris": "city"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"Paris\tcity\nNile river\n", "own.tsv:2: expected an entity, one tab and a type"),
        (b"\tcity\n", "own.tsv:1: expected"),
        (b"Paris\tcity\tFrance\n", "own.tsv:1: expected"),
        (b"Paris\tcity\n\nParis\tperson\n", "own.tsv:3: 'Paris' is 'person' here and 'city'"),
        (b"Paris\tcity\nK\xf6ln\tcity\n", "own.tsv:2: is not UTF-8"),
    ],
)
def test_wrong_line_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(GraphError, match=re.escape(message)):
        read_table(raw, "own.tsv")


def test_torn_gzip_is_reported() -> None:
    with pytest.raises(GraphError, match="not a whole gzip file"):
        read_table(gzip.compress(b"Paris\tcity\n" * 99)[:-9], "own.tsv.gz")


def test_missing_table_is_reported(tmp_path) -> None:
    with pytest.raises(GraphError, match=r"cannot be read.*none\.tsv"):
        load_graph(str(tmp_path / "none.tsv"))


def test_own_table_replaces_entities_and_not_names(tmp_path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("Xanadu\tcity\n", "utf-8")
    graph = load_graph(str(path))
    assert graph.types == {"Xanadu": "city"}
    assert graph.names["Emma"] == NameKind.GIVEN
    assert graph.digest == graph_digest(str(path)) != graph_digest()


@pytest.mark.parametrize(
    ("entity", "kind"),
    [
        ("London", "city"), ("France", "country"), ("Tennessee", "us state"),
        ("New York", "city"), ("new york", "city"), ("Nile", "river"),
        ("Mozart", "composer"), ("Humphrey Bogart", "actor"), ("Boston Red Sox", "sports team"),
        ("Eiffel Tower", "tower"), ("Albert Einstein", "physicist"), ("Wales", "country"),
    ],
)  # fmt: skip
def test_bundled_entities(entity: str, kind: str) -> None:
    assert load_graph().types[entity] == kind


@pytest.mark.parametrize("word", ["Reading", "Nice", "Price", "Will", "white house", "Bell"])
def test_common_words_are_no_entities(word: str) -> None:
    assert word not in load_graph().types


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Emma", NameKind.GIVEN), ("Rose", NameKind.GIVEN_OR_WORD), ("Watson", NameKind.SURNAME),
        ("Pakistani", NameKind.ADJECTIVE), ("guitarist", NameKind.ROLE), ("adorn", NameKind.VERB),
    ],
)  # fmt: skip
def test_bundled_parts_of_names(word: str, kind: NameKind) -> None:
    assert load_graph().names[word] == kind


def test_roles_and_verbs() -> None:
    graph = load_graph()
    assert graph.is_role("Artist")
    assert not graph.is_role("table")
    assert graph.is_verb("performs")
    assert not graph.is_verb("offices")


@pytest.mark.parametrize("path", [ENTITIES_PATH, NAMES_PATH], ids=lambda path: path.name)
def test_shipped_tables_are_small_sorted_and_as_the_note_says(path) -> None:
    packed = path.read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    assert len(packed) <= 2**20
    assert lines == sorted(lines, key=lambda line: line.split("\t"))
    text = _SOURCES.read_text("utf-8")
    assert hashlib.sha256(packed).hexdigest() in text
    assert f"{len(lines):,}" in text
