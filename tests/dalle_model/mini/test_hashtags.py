import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalle_model.mini.hashtags import MAX_TAG, split_hashtags, split_letters

COSTS = {"sun": 3.0, "set": 3.0, "sunset": 5.0, "at": 1.0, "a": 0.5, "t": 9.0, "sea": 4.0}


@pytest.mark.parametrize(
    ("letters", "words"),
    [
        ("sunsetatsea", ["sunset", "at", "sea"]),
        ("SunsetAtSea", ["Sunset", "At", "Sea"]),
        ("sunxsea", ["sunxsea"]),
        ("sea" * MAX_TAG, ["sea" * MAX_TAG]),
        ("", []),
    ],
)
def test_split_letters(letters, words):
    assert split_letters(letters, COSTS) == words


@given(st.text(alphabet="aestunx", max_size=30))
def test_no_letter_is_lost(letters):
    assert "".join(split_letters(letters, COSTS)) == letters


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("my #blackandwhitephotography", "my black and white photography"),
        ("#ilovenewyork, #paris2020", "i love new york, paris 2020"),
        ("#thequickbrownfox #12", "the quick brown fox 12"),
        ("# 1 of 3", "# 1 of 3"),
    ],
)
def test_hashtags_by_the_words_of_english(text, split):
    assert split_hashtags(text) == split
