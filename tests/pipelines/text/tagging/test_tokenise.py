import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.tagging.tokenise import tokenise, with_quotes
from pipelines.text.tokens import Tokens


def split(text: str) -> list[str]:
    """The words and punctuation of one caption."""
    return tokenise([text]).lists()[0]


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
    assert split(text) == words.split()


@given(st.text())
def test_nothing_but_white_space_is_lost(text):
    assert "".join(split(text)) == "".join(text.split())


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_many_are_split_as_one_is(texts):
    assert tokenise(texts).lists() == [split(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("of 'Hollywood Homicide' at a cinema", "of ` Hollywood Homicide '' at a cinema"),
        ('"Self" by me', '`` Self " by me'),
        ('("Self") and <"x">', '( `` Self " ) and < `` x " >'),
        ("\"'Up' is good,\" he says", "`` ` Up '' is good , \" he says"),
        ("''Up'' and 'A'", "` ` Up '' ' and ` A ''"),
        ("the dogs' bowls", "the dogs ' bowls"),
        ("the dogs' 'big' bowls' rim", "the dogs ' ` big '' bowls ' rim"),
        ("a dog 's bowl of the '90s", "a dog 's bowl of the '90s"),
        ("a 6' 2\" man", "a 6 ' 2 \" man"),
        ('the " big " dog', 'the " big " dog'),
        ("\u2018Up\u2019 and \u201cA\u201d", "\u2018 Up \u2019 and \u201c A \u201d"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_opening_quotes_are_distinguished_from_closing_ones(text, forms):
    assert with_quotes(tokenise([text]), [text]).lists() == [forms.split()]


def test_quotes_of_many_captions_and_the_words_given():
    texts = ["the dogs' bowls", '"A"', "", "by 'B'"]
    tokens = tokenise(texts)
    before = Tokens(list(tokens.types), tokens.ids.copy(), tokens.offsets.copy())
    forms = with_quotes(tokens, texts).lists()
    assert forms == [["the", "dogs", "'", "bowls"], ["``", "A", '"'], [], ["by", "`", "B", "''"]]
    assert tokens.lists() == before.lists()


@given(st.lists(st.text("ab'\"( .\u2019", max_size=12), max_size=4))
def test_nothing_but_quotes_is_changed(texts):
    words = tokenise(texts)
    pairs = zip(words.lists(), with_quotes(words, texts).lists(), strict=True)
    changed = {
        pair for old, new in pairs for pair in zip(old, new, strict=True) if len(set(pair)) > 1
    }
    assert changed <= {('"', "``"), ("'", "`"), ("'", "''")}
