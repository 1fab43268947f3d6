import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.characters import Characters
from pipelines.text.segmentation import words_of

WORD = r"[\u3040-\u30ff\u3400-\u9fff]|\w[\w'-]*"
ALPHABET = "aB\u00e9'-_ .9\u72ac\u306e\u30fc\u0130\U0001f436\U00020000\n"


def lists(texts: list[str]) -> list[list[str]]:
    return words_of(Characters.of(pa.array(texts, pa.string()))).lists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a - child's well-worn & shoe", ["a", "child's", "well-worn", "shoe"]),
        ("'tis -- the dog's'", ["tis", "the", "dog's'"]),
        ("\u4e00\u4e2a\u5e26", ["\u4e00", "\u4e2a", "\u5e26"]),
        ("abc\u72ac \u72acabc -\u72ac-x", ["abc\u72ac", "\u72ac", "abc", "\u72ac", "x"]),
        (
            "caf\u00e9 \u0434\u043e\u043c 3 m\u00b2",
            ["caf\u00e9", "\u0434\u043e\u043c", "3", "m\u00b2"],
        ),
        ("", []),
        ("... --", []),
    ],
)
def test_words(text, words):
    assert lists([text]) == [words]


@given(st.lists(st.text(alphabet=ALPHABET, max_size=12) | st.text(max_size=12), max_size=6))
def test_the_same_words_as_the_expression_finds(texts):
    assert lists(texts) == [re.findall(WORD, text) for text in texts]


def test_every_character_is_sorted_as_by_the_expression():
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    words = re.findall(WORD, " ".join(letters))
    assert [word for words in lists(letters) for word in words] == words
