import pytest

from pipelines.text.tagging.casing import truecased
from pipelines.text.tagging.tokenise import tokenise
from pipelines.text.tagging.weights import load_weights
from pipelines.text.tokens import Tokens


def truecase(*texts: str) -> list[str]:
    tokens = truecased(tokenise(texts), load_weights())
    return [" ".join(words) for words in tokens.lists()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Old Man Walking With A Dog", "old man walking with a dog"),
        ("OLD MAN WALKING", "old man walking"),
        ("Young woman in London", "young woman in London"),
        ("Map Of The US And Japan", "map of the US and Japan"),
        ("a man looks at Big Ben", "a man looks at Big Ben"),
        ("Kxqzw on a hill", "Kxqzw on a hill"),  # not known: may be a name
        ("I see a cat", "I see a cat"),
        ("Dog", "dog"),
        ("", ""),
        ("...", "..."),
    ],
)
def test_truecased(text, expected):
    assert truecase(text) == [expected]


def test_each_caption_is_truecased_by_itself():
    texts = ["The Old Man", "near The Old house", "", "OLD MAN"]
    assert truecase(*texts) == [truecase(text)[0] for text in texts]


def test_the_words_given_stay_as_they_are():
    tokens = tokenise(["The Old Man"])
    before = Tokens(list(tokens.types), tokens.ids.copy(), tokens.offsets.copy())
    truecased(tokens, load_weights())
    assert tokens.lists() == before.lists()
