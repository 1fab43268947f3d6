import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.lexicons.polarity import MAX_CHARS, load_polarity, polarity_version

POLARITY = load_polarity()
# Words, emoticons and emoji of both VADER lists among plain ones and the signs that it strips.
ENTRIES = st.sampled_from([*sorted(POLARITY.analyser.lexicon), *sorted(POLARITY.analyser.emojis)])
PIECES = st.one_of(ENTRIES, st.sampled_from([*" .,-_'!?(\"\u201d\u00e9", "dog", "the", "not", " "]))


@pytest.mark.parametrize(
    ("text", "sign"),
    [("a dog on the grass", 0), ("a happy dog", 1), ("two dead frogs", -1), ("a dog :)", 1)],
)
def test_compound(text, sign):
    score = POLARITY.compound(text)
    assert (score > 0) - (score < 0) == sign


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_score_without_a_laden_word_or_sign(text):
    words = re.findall(r"\w[\w'-]*", text.lower())
    is_called = any(map(POLARITY.is_laden, words)) or re.search(POLARITY.signs, text)
    assert is_called or POLARITY.compound(text) == 0.0


def test_it_is_named_by_its_version():
    assert polarity_version().startswith("vaderSentiment 3.")


def test_only_the_beginning_of_a_long_text_is_read():
    text = "\U0001f600" * 10_000
    assert POLARITY.compound(text) == POLARITY.compound(text[:MAX_CHARS])
    assert POLARITY.compound("dog " * MAX_CHARS + "happy") == 0
