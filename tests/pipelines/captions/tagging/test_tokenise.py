import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.captions.tagging.tokenise import tokenise, tokenise_all


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog runs.", "A dog runs ."),
        ("Flag of Poland. Country in Europe.", "Flag of Poland . Country in Europe ."),
        ("don't, isn't, CAN'T", "do n't , is n't , CA N'T"),
        ("cannot", "can not"),
        ("the dog's bowl, the dogs' bowls", "the dog 's bowl , the dogs ' bowls"),
        ("it\u2019s we'll I'm", "it \u2019s we 'll I 'm"),
        ("O'Brien at six o'clock", "O'Brien at six o'clock"),
        ("Mr. Smith, J. Doe Jr. of the U.S. navy", "Mr. Smith , J. Doe Jr. of the U.S. navy"),
        ("he says no.", "he says no ."),
        ("10:30 a.m., 1,000.50 and 3/4", "10:30 a.m. , 1,000.50 and 3/4"),
        ("the 1920s and the '90s", "the 1920s and the '90s"),
        ("a 3-year-old's black-and-white cat", "a 3-year-old 's black-and-white cat"),
        ("black/white", "black / white"),
        ('"Self" (2nd) ... -- [x]', '" Self " ( 2nd ) ... -- [ x ]'),
        ("5% of $3", "5 % of $ 3"),
        ("see http://a.b/c?d=1 by @me #art", "see http://a.b/c?d=1 by @me #art"),
        ("IMG_20.jpg", "IMG_20.jpg"),
        ("\u72ac\u304c", "\u72ac\u304c"),
        ("", ""),
        (" \t ", ""),
    ],
)
def test_tokenise(text, words):
    assert tokenise(text) == words.split()


@given(st.text())
def test_nothing_but_white_space_is_lost(text):
    assert "".join(tokenise(text)) == "".join(text.split())


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_many_are_split_as_one_is(texts):
    assert tokenise_all(texts).lists() == [tokenise(text) for text in texts]
