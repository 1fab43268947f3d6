"""The words of one caption with their positions, so that untouched text keeps its spacing."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """A word, a sign, or a chunk such as "New York" that is treated as one word.

    Args:
        text: as it is to be written.
        tag: part of speech of the Penn Treebank.
        start: where it begins in the caption as found, in characters.
        end: where it ends there.
        is_spaced: whether white space precedes it.
        kind: "" for plain words; one of `pipelines.text.entities.kinds`, or an entity's type.
    """

    text: str
    tag: str
    start: int
    end: int
    is_spaced: bool
    kind: str = ""

    def is_plain(self) -> bool:
        return not self.kind


Words = list[Word]
START = Word("", "START", 0, 0, False)
END = "END"


def read(text: str, pairs: Iterable[tuple[str, str]]) -> Words:
    """The tagged words of a caption at their positions, and an empty word tagged `END`.

    Args:
        text: of the caption.
        pairs: (word, tag) in order; a respelled one is placed after its predecessor.
    """
    words, at = [], 0
    for word, tag in pairs:
        found = text.find(word, at)
        start = at if found < 0 else found
        end = start if found < 0 else found + len(word)
        words.append(Word(word, tag, start, end, start > at or found < 0))
        at = end
    words.append(Word("", END, len(text), len(text), False))
    return words


def write(words: Iterable[Word]) -> str:
    """The words with white space where it was before them."""
    return "".join(f" {word.text}" if word.is_spaced else word.text for word in words).strip()


def merge(text: str, words: Sequence[Word], kind: str) -> Word:
    """Neighbouring words as one, written as in the caption."""
    first, last = words[0], words[-1]
    return Word(text[first.start : last.end], "NNP", first.start, last.end, first.is_spaced, kind)


def touches(left: Word, right: Word) -> bool:
    """Whether nothing was removed between two words."""
    return right.start - left.end <= 1
