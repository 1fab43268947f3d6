"""Steps that clean up after the others: stray commas, prepositions without an object, "an car"."""

from itertools import pairwise

from pipelines.text.entities.graph import Graph
from pipelines.text.entities.kinds import PERSON_TOKEN
from pipelines.text.entities.words import END, START, Word, Words, touches

_SEPARATORS = frozenset((",", ";", ":", "-", "\u2013", "\u2014", "|", "/", "&"))
_ENDS = frozenset((".", "...", "\u2026", "!", "?", ")", "]"))
_CLOSING = _ENDS | _SEPARATORS
_AND = frozenset(("and", "or", "&"))
_NO_START = frozenset((".", "'s", "\u2019s", *_AND, *_SEPARATORS))
_BRACKETS = {"(": ")", "[": "]"}
_FINITE = frozenset(("VBZ", "VBD", "VBP", "MD"))
_NEED_OBJECT = frozenset(("IN", "TO", "DT", "CC", "PRP$"))
# Chosen: spelled with a vowel and spoken without, and the other way round.
_CONSONANT_SOUNDS = ("uni", "use", "usu", "eur", "ewe", "one", "uk", "us ", "utah")
_VOWEL_SOUNDS = ("hour", "honest", "honor", "honour", "heir")


def lower_case(words: Words, graph: Graph) -> Words:
    """Lower case for all but `<PERSON>`."""
    return [
        word
        if word.kind == PERSON_TOKEN or word.text.islower()
        else word._replace(text=word.text.lower())
        for word in words
    ]


def tidy(words: Words, graph: Graph) -> Words:
    """Remove what dangles where words were removed, and set "a" or "an" again.

    Only words next to a gap change: a caption from which nothing was removed stays.
    """
    while (fewer := _without_dangling(words)) is not words:
        words = fewer
    return [_with_article(word, after) for word, after in pairwise(words)] + words[-1:]


def _without_dangling(words: Words) -> Words:
    if touches(START, words[0]) and all(touches(*pair) for pair in pairwise(words)):
        return words
    kept = _with_starts(_with_objects(words))
    return words if len(kept) == len(words) else kept


def _with_objects(words: Words) -> Words:
    """Without what has lost its object, from the end, since one may be the object of another."""
    kept: Words = []
    for word in reversed(words):
        if not (kept and _lacks_object(word, kept[-1])):
            kept.append(word)
        elif word.text == kept[-1].text == "," and kept[-2].tag in _FINITE:
            kept.pop()  # "a man, 25, was seen": both commas
    return kept[::-1]


def _with_starts(words: Words) -> Words:
    """Without what cannot stand first, and without brackets around nothing."""
    kept: Words = []
    for word in words:
        if (word.tag == END or word.text in _ENDS) and _hangs_last(kept):
            kept.pop()
        before = kept[-1] if kept else START
        if _BRACKETS.get(before.text) == word.text and not touches(before, word):
            kept.pop()
        elif not _lacks_start(before, word):
            kept.append(word)
    return kept


def _lacks_object(word: Word, after: Word) -> bool:
    """Whether what followed a word is gone, and what follows now cannot take its place."""
    if touches(word, after):
        return False
    is_end = after.tag == END or after.text in _CLOSING
    if word.tag in _NEED_OBJECT:
        return is_end or after.tag == "IN" or (after.tag == "CC" and word.tag != "DT")
    return is_end and word.text in _SEPARATORS


def _lacks_start(before: Word, word: Word) -> bool:
    """Whether what preceded a word is gone, and it cannot stand first."""
    if touches(before, word):
        return False
    if before.tag in ("DT", "IN"):
        return word.text in _AND
    is_first = before == START or before.text in _SEPARATORS
    return is_first and word.text.lower() in _NO_START


def _hangs_last(kept: Words) -> bool:
    """Whether a comma or the like comes last, and what stood before it is gone."""
    return len(kept) > 1 and kept[-1].text in _SEPARATORS and not touches(*kept[-2:])


def _with_article(word: Word, after: Word) -> Word:
    is_article = word.text.lower() in ("a", "an") and word.tag == "DT"
    if not is_article or (touches(word, after) and after.is_plain()):
        return word
    article = indefinite(after.text)
    return word._replace(text=article.capitalize() if word.text[0] == "A" else article)


def indefinite(noun: str) -> str:
    """The article, "a" or "an", that a noun goes with."""
    word = noun.lower()
    is_written_so = word[:1] in tuple("aeiou") and not word.startswith(_CONSONANT_SOUNDS)
    return "an" if is_written_so or word.startswith(_VOWEL_SOUNDS) else "a"
