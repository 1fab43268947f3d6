import pytest

from pipelines.text.entities.graph import load_graph
from pipelines.text.entities.tidying import lower_case, tidy
from pipelines.text.entities.words import read, write
from pipelines.text.tagging.taggers import load_tagger


def _without(text: str, *gone: str) -> str:
    """The tidied text after some of its words were removed."""
    words = read(text, load_tagger("perceptron").tag([text]).pairs()[0])
    return write(tidy([word for word in words if word.text not in gone], load_graph()))


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("a house in Rome.", ("Rome",), "a house."),
        ("a house in the Rome", ("Rome",), "a house"),
        ("a house, Rome, at night", ("Rome",), "a house, at night"),
        ("Rome, a house", ("Rome",), "a house"),
        ("a man, 25, was arrested", ("25",), "a man was arrested"),
        ("a red, 25, blue house", ("25",), "a red, blue house"),
        ("Rome and Pisa", ("Rome",), "Pisa"),
        ("Rome and Pisa", ("Pisa",), "Rome"),
        ("a Rome and Pisa house", ("Rome", "Pisa"), "a house"),
        ("a house (Rome)", ("Rome",), "a house"),
        ("a house - Rome", ("Rome",), "a house"),
        ("a British aircraft", ("British",), "an aircraft"),
        ("An old car", ("old",), "A car"),
        ("a red university", ("red",), "a university"),
        ("a long hour", ("long",), "an hour"),
    ],
)
def test_what_hangs_in_the_air_goes(text: str, gone: tuple[str, ...], left: str) -> None:
    assert _without(text, *gone) == left


@pytest.mark.parametrize(
    "text",
    ["a girl looking up at", ", and a dog -", "a aircraft", "() what is it for?", "the", "and", ""],
)
def test_where_nothing_is_removed_nothing_is_tidied(text: str) -> None:
    assert _without(text) == text


def test_lower_case() -> None:
    words = read("A Big ÉTÉ", [("A", "DT"), ("Big", "JJ"), ("ÉTÉ", "NN")])
    assert write(lower_case(words, load_graph())) == "a big été"
