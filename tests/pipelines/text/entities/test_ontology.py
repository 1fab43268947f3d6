"""One table of types: all that is written elsewhere is in it, and it contradicts itself nowhere."""

import pytest

from pipelines.text.entities import kinds
from pipelines.text.entities.graph import load_graph
from pipelines.text.entities.heads import FIRST_HEADS, HEADS, TITLES, is_first_head
from pipelines.text.entities.ontology import EntityClass, Ontology, load_ontology
from tests.support.entities.marked import _MARKS, read_marked
from tools.entities import table, wordnet
from tools.entities.written import written_here

COLUMNS = "type\tclass\tlast words\tfirst words\ttitles\twordnet\n"


def types_in_code() -> set[str]:
    """The types that modules name themselves."""
    names = ("ANY_PERSON", "AIRCRAFT", "AUTOMOBILE", "AUTOMOBILE_MAKE", "CITY", "SPORTS_TEAM")
    in_kinds = {getattr(kinds, name) for name in (*names, "US_STATE")}
    in_tools = {*table._PLACE_TYPES, *table._LARGE_TYPES, *table._TYPE_ORDER, *table._WORKS}
    return in_kinds | in_tools


@pytest.mark.parametrize(
    "used",
    [
        set(load_graph().types.values()),
        set(HEADS.values()),
        set(FIRST_HEADS.values()),
        set(TITLES.values()),
        set(wordnet.TYPES.values()),
        {kind for _, kind in written_here()},
        types_in_code(),
    ],
    ids=["graph", "last words", "first words", "titles", "wordnet", "written", "code"],
)
def test_every_type_in_use_is_in_the_table(used):
    assert used
    assert used <= load_ontology().classes.keys()


def test_every_class_is_marked_by_hand_but_products():
    assert _MARKS.keys() == set(EntityClass) - {EntityClass.PRODUCT}
    marks = {
        mark for name in ("entities.txt", "unseen.txt") for _, m in read_marked(name) for mark in m
    }
    assert {name for _, _, name in marks} == set(_MARKS.values())


def test_classes_tell_persons_and_places():
    for kind, entity_class in load_ontology().classes.items():
        assert kinds.is_entity(kind)
        assert kinds.is_person(kind) == (entity_class == EntityClass.PERSON)
        assert kinds.is_place(kind) == (entity_class == EntityClass.LOCATION)


def test_a_table_in_all_its_columns():
    found = Ontology.of(
        f"# a comment\n{COLUMNS}bay\tlocation\tBay\tGulf of, Bay\t\tbay, gulf\n"
        "musician\tperson\nsinger\tperson\t\t\tDame\tsinger\nmusician\tperson\t\t\t\tpianist\n"
    )
    assert found.classes == {"bay": "location", "musician": "person", "singer": "person"}
    assert found.last_words == {"Bay": "bay"}
    assert found.first_words == {"Gulf": "bay", "Bay": "bay"}
    assert found.first_before_of == {"Gulf"}
    assert found.titles == {"Dame": "singer"}
    assert list(found.hypernyms) == ["bay", "gulf", "singer", "pianist"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bay\tlocation\n", "begins with the columns type, class"),
        ("", "begins with the columns"),
        (f"{COLUMNS}bay\n", "1 columns in 'bay'"),
        (f"{COLUMNS}bay\twater\n", "water"),
        (f"{COLUMNS}bay\tlocation\nbay\tsite\n", "'bay' is both location and site"),
        (f"{COLUMNS}bay\tlocation\tBay\ncape\tlocation\tBay\n", "'Bay' is both bay and cape"),
    ],
)
def test_a_wrong_table_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Ontology.of(text)


def test_some_words_begin_a_name_only_before_of():
    assert is_first_head("University", is_before_of=True)
    assert not is_first_head("University", is_before_of=False)
    assert is_first_head("Mount", is_before_of=False)
