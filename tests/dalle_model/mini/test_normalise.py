"""The right sides were printed by dalle-mini's own `TextNormalizer` (f0be4de).

It was given anyascii for unidecode and wordfreq's words for its list.
"""

from collections import Counter

import pytest

from dalle_model.mini.normalise import PERSON_WORDS, normalise, person_words


@pytest.mark.parametrize(
    ("caption", "normal"),
    [
        (
            "It&#39;s a WELL-worn U.S. coin (1,000,000 $)!!!",
            " it's a well worn u.s, coin, 1000000 $",
        ),
        (
            "#sunsetatthebeach with my dog's 'friend', 3/4 &amp;amp; more",
            ' sunset at the beach with my dog\'s " friend ", 3/4 & more',
        ),
        ("[12] The Gare de l\u2019Est, Paris [3]", ' the gare de l " est, paris'),
        (
            "see http://a.test/b <b>sooooo</b> good\u2026 and/or\tnot",
            " see so good, and, or not",
        ),
        (
            'a_file_name\\here: 50% off; \u201cquoted\u201d `` "twice"',
            ' a file name here, 50 % off, " quoted " twice "',
        ),
        (
            "caf\u00e9 \u041c\u043e\u0441\u043a\u0432\u0430 #dogs2020 VIII",
            " cafe moskva dogs 2020 viii",
        ),
        ("<PERSON>, <person> and <person> sing", " people sing"),
        (",, ,a b,,", " a b"),
        ("", " "),
    ],
)
def test_captions_are_written_as_dalle_mini_writes_them(caption, normal):
    assert normalise(caption) == normal


def test_the_word_for_a_person_depends_on_the_text_alone():
    texts = [f"<person> number {i}" for i in range(2000)]
    words = [person_words(text) for text in texts]
    assert words == [person_words(text) for text in texts]
    counts = Counter(word.rpartition(" number")[0].strip() for word in words)
    total = sum(weight for _, weight in PERSON_WORDS)
    for word, weight in PERSON_WORDS:
        assert counts[word] / 2000 == pytest.approx(weight / total, abs=0.03)
