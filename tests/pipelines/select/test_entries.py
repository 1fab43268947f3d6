import random

import pyarrow as pa
import pytest

from pipelines.select.entries import EntriesError, build


def slow(entries: list[str], captions: list[str]) -> set[tuple[int, int]]:
    """Substrings of padded captions, as MetaCLIP describes it."""
    found = set()
    for number, caption in enumerate(captions):
        padded = f" {caption} "
        for mark in ",.;:?!`":
            padded = padded.replace(mark, f" {mark} ")
        for space in "\t\n\r":
            padded = padded.replace(space, " ")
        found |= {(number, i) for i, entry in enumerate(entries) if f" {entry} " in padded}
    return found


def found(entries: list[str], captions: list[str]) -> set[tuple[int, int]]:
    matches = build(entries).find(pa.array(captions, pa.string()))
    pairs = list(zip(matches.captions.tolist(), matches.entries.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    return set(pairs)


def test_all_substrings_are_found_and_nothing_else():
    drawn = random.Random(0)
    words = ["a", "b", "c", "red", "Red", "dog", "St.", ",", "", "é", "12"]
    entries = list({" ".join(drawn.choices(words, k=drawn.randint(1, 4))) for _ in range(300)})
    entries = [entry for entry in entries if entry.strip()]
    captions = ["".join(drawn.choice([*words, "x"]) + drawn.choice([" ", " ", "  ", ",", "\t", "!"])
                        for _ in range(drawn.randint(0, 9))) for _ in range(400)]  # fmt: skip
    expected = slow(entries, captions)
    assert len(expected) > 400
    assert found(entries, captions) == expected


@pytest.mark.parametrize("caption", ["a red apple, sliced", "red\tapple", "(red apple", "redapple"])
def test_words_stand_alone(caption):
    assert found(["red apple"], [caption]) == slow(["red apple"], [caption])


def test_no_captions_and_an_entry_that_is_listed_twice():
    assert found(["dog", "dog"], []) == set()
    assert build(["dog", "dog", " "]).texts == ["dog"]


def test_a_list_without_entries_is_refused():
    with pytest.raises(EntriesError, match="empty"):
        build(["", "  "])
