"""Steps that leave out what names one occasion: dates, measures, numbers, name modifiers.

Source of what is left out: Sharma et al. 2018, section 3, "Text Transformation with
Hypernymization". The words that are left out with it are chosen.
"""

import re
from collections.abc import Collection
from itertools import pairwise

from pipelines.text.entities.graph import Graph
from pipelines.text.entities.kinds import (
    ADJECTIVE,
    DATE,
    DURATION,
    MEASURE,
    NAME,
    NAMED,
    PLACE,
    TITLE,
    is_entity,
    is_person,
)
from pipelines.text.entities.words import START, Word, Words

_OF_DATES = frozenset(
    (
        "on", "in", "at", "from", "since", "until", "till", "by", "before", "after", "during",
        "of", "for", "between", "to", "circa",
    )
)  # fmt: skip
_OF_DURATIONS = frozenset(
    ("for", "after", "in", "within", "during", "over", "of", "at", "through", "aged")
)
_OF_MEASURES = frozenset(
    ("of", "at", "with", "for", "from", "to", "over", "about", "in", "by", "up", "under")
)
_OF_TITLES = frozenset(
    ("of", "in", "for", "from", "with", "at", "about", "to", "on", "by", "during")
)
_OF_NUMBERS = frozenset(("of", "at", "with", "to", "by", "for", "in"))
_BOUNDS = frozenset(
    (
        ("more", "than"), ("less", "than"), ("fewer", "than"), ("greater", "than"),
        ("at", "least"), ("at", "most"), ("up", "to"),
    )
)  # fmt: skip
_ABOUT = frozenset(("about", "almost", "around", "nearly", "only", "over", "roughly"))
_MOST_MODIFIERS = 12  # chosen: longer rows of modifiers are lists
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_YEAR_OR_AGE = re.compile(r"\d+|.*(?:\d0s|[Cc]entur(?:y|ies))")


def drop_dates(words: Words, graph: Graph) -> Words:
    """Drop "on September 5, 2003", and the "2017" of "the 2017 festival"."""
    return _drop_chunks(words, DATE, _OF_DATES)


def drop_durations(words: Words, graph: Graph) -> Words:
    """Drop "for three hours", and the "two-hour" of "a two-hour show"."""
    return _drop_chunks(words, DURATION, _OF_DURATIONS)


def drop_units(words: Words, graph: Graph) -> Words:
    """Drop "at 300 km/h", and the "10 ft" of "a 10 ft wall"."""
    return _drop_chunks(words, MEASURE, _OF_MEASURES)


def drop_titles(words: Words, graph: Graph) -> Words:
    """Drop "of 'Hollywood Homicide'": quoted titles of works that the graph does not know."""
    return _drop_chunks(words, TITLE, _OF_TITLES)


def drop_noun_modifiers(words: Words, graph: Graph) -> Words:
    """Drop names before a noun: "British Airways Airbus A319" of "a British Airways ... aircraft".

    Before another name too: "Japanese Prime Minister Shinzo Abe". People's names stay, since a
    tagger takes the verb after a name for a noun.
    """
    return [word for at, word in enumerate(words) if not _is_name_before_noun(words, at, graph)]


def drop_numbers(words: Words, graph: Graph) -> Words:
    """Drop "Two" of "Two sculptures" and "of 12" of "a group of 12".

    An edition is dropped with its article: "the 29th American Film Festival" is one of a kind that
    "festival" is not.
    """
    kept: Words = []
    for at, word in enumerate(words):
        after = words[min(at + 1, len(words) - 1)]
        if not _is_number(word, after):
            kept.append(word)
            continue
        _drop_bound(kept)
        if is_entity(after.kind):
            _drop_last(kept, ("the",) if _ORDINAL.fullmatch(word.text) else ())
        elif not is_before_noun(words, at, graph):
            _drop_last(kept, _OF_NUMBERS)
    return kept


def _drop_chunks(words: Words, kind: str, prepositions: frozenset[str]) -> Words:
    """Drop chunks; one that modifies nothing takes its preposition and article along."""
    if all(word.kind != kind for word in words):
        return words
    kept: Words = []
    for at, word in enumerate(words):
        if word.kind != kind:
            kept.append(word)
            continue
        _drop_bound(kept)
        if not _is_modifier(words, at):
            _drop_lead(kept, prepositions)
    return kept


def _is_modifier(words: Words, at: int) -> bool:
    """Whether a chunk describes the noun after it, so that what precedes it must stay."""
    before, word, after = words[at - 1 if at else 0], words[at], words[at + 1]
    is_noun = after.tag in ("NN", "NNS", "JJ") and after.is_plain()
    is_noun = is_noun or (is_entity(after.kind) and not is_person(after.kind))
    if before.tag in ("DT", "PRP$", "JJ"):
        return is_noun
    is_day = word.kind == DATE and not _YEAR_OR_AGE.fullmatch(word.text)
    return is_noun and not (is_day and before.tag in ("IN", "TO"))


def _drop_last(kept: Words, candidates: Collection[str]) -> None:
    if kept and kept[-1].text.lower() in candidates:
        kept.pop()


def _drop_bound(kept: Words) -> None:
    """Remove "more than" or "about" before a number; of "taller than", "than"."""
    before, last = [START, START, *kept[-2:]][-2:]
    is_adverb = last.tag == "RB" or before.tag in ("START", "CC", "IN", ",")
    if (before.text.lower(), last.text.lower()) in _BOUNDS:
        del kept[-2:]
    elif last.text == "than" or (is_adverb and last.text.lower() in _ABOUT):
        kept.pop()


def _drop_lead(kept: Words, prepositions: frozenset[str]) -> None:
    """Remove a preposition, with an article or "late" after it, from the end of `kept`."""
    first = len(kept)
    while first and (kept[first - 1].tag in ("DT", "JJ", "RB") or kept[first - 1].text == "about"):
        first -= 1
    if first and kept[first - 1].text.lower() in prepositions:
        del kept[first - 1 :]


def _is_name_before_noun(words: Words, at: int, graph: Graph) -> bool:
    kind = words[at].kind
    if at and words[at - 1].text in NAMED:
        return False
    is_name = kind in (NAME, ADJECTIVE, PLACE) or (is_entity(kind) and not is_person(kind))
    return is_name and (is_entity(words[at + 1].kind) or is_before_noun(words, at, graph))


def is_before_noun(words: Words, at: int, graph: Graph) -> bool:
    """Whether a common noun follows, perhaps after more that modifies it.

    With an article after it, it is a verb: "scores" of "Barcelona scores a goal".
    """
    for word, after in pairwise(words[at + 1 : at + 2 + _MOST_MODIFIERS]):
        if word.is_plain():
            if word.tag in ("NN", "NNS") and not graph.is_verb(word.text.lower()):
                return after.tag not in ("DT", "PRP$")
            if word.tag not in ("JJ", "JJR", "JJS", "CD", "HYPH"):
                return False
        elif is_person(word.kind):
            return False
    return False


def _is_number(word: Word, after: Word) -> bool:
    can_be = word.tag == "CD" or word.text[:1].isdigit()
    if not (can_be and word.is_plain()) or after.text == "of":
        return False
    is_word = word.tag == "CD" and word.text.isalpha() and word.text.lower() != "one"
    is_digits = word.text[:1].isdigit() and (word.tag == "CD" or word.text[-1:].isdigit())
    return is_word or is_digits or bool(_ORDINAL.fullmatch(word.text))
