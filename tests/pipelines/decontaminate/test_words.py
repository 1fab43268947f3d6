"""Captions match by sequences of words."""

import pytest

from pipelines.decontaminate.words import MOST_HOLDERS, Ngrams

CAPTION = "A man's dog runs along the wide sandy beach at dusk"  # 11 words


def shared(caption: str, *references: str, ngram: int = 8, min_words: int = 8) -> dict[int, int]:
    return dict(Ngrams.of([[text] for text in references], ngram, min_words).shared(caption))


@pytest.mark.parametrize(
    ("caption", "count"),
    [
        (CAPTION, 4),
        ("a MAN'S  dog runs, along the wide (sandy) beach -- at dusk!", 4),  # folded
        (f"For sale: {CAPTION.lower()}, framed", 4),
        ("the dog runs along the wide sandy beach at dusk", 2),  # nine words in common
        ("dog runs along the wide sandy beach at noon", 1),
        ("runs along the wide sandy beach at noon today", 0),  # seven
        ("a man's dog runs along the narrow sandy beach at dusk", 0),  # one word in the middle
        ("", 0),
    ],
)
def test_distinct_sequences_of_eight_words_are_counted(caption: str, count: int) -> None:
    assert shared(caption, CAPTION) == ({0: count} if count else {})


def test_a_short_caption_matches_none_unless_it_is_wanted_and_then_as_a_whole() -> None:
    assert shared("a red bus", "A red bus.") == {}
    assert shared("a red bus", "A red bus.", min_words=3) == {0: 1}
    assert shared("a red bus on a street in the sun", "a red bus", min_words=3) == {}
    assert shared("a bus", "a bus", min_words=3) == {}


def test_every_reference_is_told_up_to_a_number() -> None:
    assert shared(CAPTION, "none of it", CAPTION, CAPTION) == {1: 4, 2: 4}
    assert list(shared(CAPTION, *[CAPTION] * 40)) == list(range(MOST_HOLDERS))


def test_a_reference_with_the_same_words_twice_counts_once() -> None:
    assert dict(Ngrams.of([[CAPTION, CAPTION]], 8, 8).shared(CAPTION)) == {0: 4}
