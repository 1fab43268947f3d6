import pytest

from pipelines.text.entities.graph import Graph
from pipelines.text.entities.naming import plural
from tests.support.entities.rewriting import one, rewritten

_OWN = Graph.of(
    {
        "Ann Lee": "actor", "Bo Day": "actor", "Cy Fox": "pop artist", "Di Roe": "visual artist",
        "Oz": "city", "Uz": "island", "Az": "us state",
    },
    "",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Ann Lee and Bo Day wave", "actors wave"),
        ("Ann Lee, Bo Day and a dog", "actors and a dog"),
        ("Ann Lee , Bo Day , and Ann Lee wave", "actors wave"),
        ("Cy Fox & Di Roe sing", "artists sing"),
        ("Ann Lee and Cy Fox sing", "actor and pop artist sing"),
        ("Ann Lee with Bo Day", "actor with actor"),
        ("Ann Lee, Bo Day, and Ann Lee wave", "actors wave"),
        ("Ann Lee, Bo Day, waves", "actor, actor, waves"),
        ("a cat named Xanadu on a mat", "a cat on a mat"),
        ("a song by the young singer Cy Fox", "a song by pop artist"),
        ("Actors Ann Lee and Bo Day on stage", "actors on stage"),
        ("a boat near Oz", "a boat near a city"),
        ("a boat near Uz", "a boat near an island"),
        ("a boat near Az", "a boat near a us state"),
        ("the harbour of the Oz", "the harbour of the city"),
        ("a house in Xanadu, Oz", "a house in a city"),
        ("the legend of Xanadu on stage", "the legend on stage"),
        ("Xanadu is a legend", "Xanadu is a legend"),
        ("a boat on the river Xanadu", "a boat on the river"),
        ("Bo Day and his wife Ann Lee wave", "actor and his wife wave"),
        ("Ann Lee's dog", "actor's dog"),
    ],
)
def test_types_for_names(text: str, named: str) -> None:
    assert one(text, "hypernyms", graph=_OWN) == named


def test_types_and_unresolved_names_are_reported() -> None:
    texts = ["Ann Lee and Bo Day near Oz", "the Zyx Qwv is a legend of Ann Lee", "a red boat"]
    found = rewritten(texts, ["hypernyms"], _OWN)
    assert found.types == [["actor", "city"], ["actor"], []]
    assert rewritten(["Cy Fox and Di Roe"], ["hypernyms"], _OWN).types == [["artist"]]
    assert found.unresolved.tolist() == [0, 1, 0]


def test_person_token_changes_people_alone() -> None:
    text = "Musician Ann Lee ('the voice') & Cy Fox in Oz, 5 May 2001!"
    wanted = "Musician <PERSON> ('the voice') & <PERSON> in Oz, 5 May 2001!"
    assert one(text, "person_token", graph=_OWN) == wanted
    assert one(text, "person_token", "lower_case", graph=_OWN) == (
        "musician <PERSON> ('the voice') & <PERSON> in oz, 5 may 2001!"
    )


@pytest.mark.parametrize(
    ("one_of", "many"),
    [
        ("person", "people"), ("actor", "actors"), ("city", "cities"), ("church", "churches"),
        ("film director", "film directors"), ("bay", "bays"), ("businessperson", "businesspeople"),
    ],
)  # fmt: skip
def test_plurals(one_of: str, many: str) -> None:
    assert plural(one_of) == many
