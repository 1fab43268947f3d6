"""Steps that mend what the others leave: spaces, stray commas, prepositions without an object."""

from pipelines.captions.transform.graph import Graph
from pipelines.captions.transform.kinds import PERSON_TOKEN
from pipelines.captions.transform.words import Word, Words, touches

_CLOSING = frozenset((".", ",", ":", ";", "!", "?", ")", "]", "-", "\u2013", "\u2014", "|"))
_LEADING = frozenset((",", ";", ":", "-", "\u2013", "\u2014", "|", "&", "/"))
_AND = frozenset(("and", "or", "&"))
_BRACKETS = {"(": ")", "[": "]"}
# Chosen: a vowel is written and a consonant spoken, and the other way round.
_CONSONANT_SOUNDS = ("uni", "use", "usu", "eur", "ewe", "one", "ut", "ub", "uk", "uni")
_VOWEL_SOUNDS = ("hour", "honest", "honor", "honour", "heir")


def lower_case(words: Words, graph: Graph) -> Words:
    """Lower case for all but `<PERSON>`."""
    return [
        word if word.kind == PERSON_TOKEN else word._replace(text=word.text.lower())
        for word in words
    ]


def tidy(words: Words, graph: Graph) -> Words:
    """Remove what hangs in the air where words were removed, and set "a" or "an" again.

    A caption from which nothing was removed stays as it is.
    """
    while (fewer := _without_dangling(words)) != words:
        words = fewer
    return [_with_article(word, after) for word, after in _with_next(words)]


def _without_dangling(words: Words) -> Words:
    kept: Words = []
    for at, word in enumerate(words):
        after = words[at + 1] if at + 1 < len(words) else None
        before = kept[-1] if kept else None
        if after is not None and _is_dangling(before, word, after):
            continue
        is_closed = before is not None and _BRACKETS.get(before.text) == word.text
        if before is not None and is_closed and not touches(before, word):
            kept.pop()
            continue
        kept.append(word)
    return kept


def _is_dangling(before: Word | None, word: Word, after: Word) -> bool:
    """Whether a word has lost its neighbour, on the side where it needs one."""
    if touches(word, after) and (before is None or touches(before, word)):
        return before is None and word.start > 0 and _is_weak_start(word)
    is_end = after.tag in ("END", ".") or after.text in _CLOSING
    if not touches(word, after):
        if word.tag in ("IN", "TO", "DT", "CC", "PRP$") and (is_end or after.tag in ("IN", "CC")):
            return True
        if word.text in _LEADING and (is_end or after.tag == "END"):
            return True
    if before is None:
        return _is_weak_start(word)
    if not touches(before, word) or before.text in _LEADING:
        return (word.text in _AND and (before.tag in ("DT", "IN") or is_end)) or (
            word.text in (",", ";") and before.text in _LEADING
        )
    return False


def _is_weak_start(word: Word) -> bool:
    return word.text in _LEADING or word.text.lower() in _AND or word.text in (".", "'s", "\u2019s")


def _with_next(words: Words) -> list[tuple[Word, Word]]:
    return list(zip(words, [*words[1:], words[-1]], strict=True)) if words else []


def _with_article(word: Word, after: Word) -> Word:
    is_article = word.text.lower() in ("a", "an") and word.tag == "DT"
    if not is_article or (touches(word, after) and not after.kind):
        return word
    article = "an" if _sounds_like_vowel(after.text.lower()) else "a"
    return word._replace(text=article.capitalize() if word.text[0] == "A" else article)


def _sounds_like_vowel(word: str) -> bool:
    if word.startswith(_VOWEL_SOUNDS):
        return True
    return word[:1] in "aeiou" and not word.startswith(_CONSONANT_SOUNDS) and word != ""
