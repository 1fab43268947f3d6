import pytest

from tests.support.entities.rewriting import one


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a house in Bristol, UK", "a house"),
        ("a house in Deauville, France, at night", "a house, at night"),
        ("debris from the Taj Mahal Hotel on the street", "debris on the street"),
        ("a bar in downtown Chicago with music", "a bar with music"),
        ("a view of the bridge (San Francisco, California)", "a view of the bridge ()"),
        ("people on the beach, Hawaii", "people on the beach"),
        ("the skyline of Chicago", "the skyline of Chicago"),
        ("people at the London Olympic Games", "people at the London Olympic Games"),
        ("shops in London's streets", "shops in London's streets"),
    ],
)
def test_places_with_their_prepositions_go(text: str, left: str) -> None:
    assert one(text, "drop_locations") == left


def test_a_plain_caption_stays() -> None:
    text = 'A red boat - on a lake , near (some) trees: "calm" water.'
    assert one(text, "drop_locations") == text
