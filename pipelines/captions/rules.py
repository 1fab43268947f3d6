"""The rules on one caption: each measures a number and holds it against the recipe's limit.

A rule's name is its key in the recipe, the reason of its rejections and its counter.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from pipelines.captions import boilerplate, language
from pipelines.captions.normalise import normalise
from pipelines.rejection import Check

RAW_LENGTH = "too_long_raw"
LANGUAGE = "wrong_language"

# Chosen: they repeat in any sentence ("a cat on a mat and a dog on a rug") and are no repetition.
FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to")
    + ("with",)
)
_WORD = re.compile(r"\w[\w'-]*")


@dataclass(slots=True)
class Caption:
    """A caption in its three states.

    Args:
        raw: as found.
        normal: normalised, still in its frame of boilerplate.
        text: normalised and cropped; what the rules look at unless they say otherwise.
        words: of `text`; letters and digits with inner apostrophes and hyphens.
    """

    raw: str
    normal: str
    text: str
    words: list[str]

    @classmethod
    def read(cls, raw: str) -> Self:
        """Normalise, crop and split a raw caption."""
        normal = normalise(raw)
        text = boilerplate.crop(normal)
        return cls(raw, normal, text, _WORD.findall(text))


@dataclass(frozen=True)
class Speech:
    """What the language rule needs beside its limit.

    Args:
        language: ISO 639-1 code of the language wanted.
        judged_letters: shorter captions may stay undetermined.
        clear_probability: from here on, another language is believed of short captions too.
    """

    language: str = "en"
    judged_letters: int = 12
    clear_probability: float = 0.3


Rule = Callable[[Caption, float, Speech], Check]
Measure = Callable[[Caption], float]


@dataclass(frozen=True)
class Funnel:
    """A recipe with all choices made: the rules in their order, each with its limit.

    Args:
        max_raw_chars: longer raw text is not even normalised.
        steps: rules and limits, first to last.
        speech: for the language rule.
    """

    max_raw_chars: float
    steps: tuple[tuple[Rule, float], ...]
    speech: Speech


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is kept of a caption: its cropped text and its language, `und` where it is open."""

    text: str
    language: str


def checks(raw: str, funnel: Funnel) -> Iterator[Check]:
    """Every rule in the funnel's order, each computed when it is asked for.

    Ends after the first check where the raw text is too long to be worth reading.
    """
    check = _check_raw_length(raw, funnel)
    yield check
    if check.passed:
        yield from _check_text(Caption.read(raw), funnel)


def judge(raw: str, funnel: Funnel) -> Accepted | Check:
    """The first check that fails, or what is kept; the same checks as `checks` gives."""
    check = _check_raw_length(raw, funnel)
    if not check.passed:
        return check
    caption, found = Caption.read(raw), language.UNDETERMINED
    for check in _check_text(caption, funnel):
        if not check.passed:
            return check
        if check.reason == LANGUAGE:
            found = check.detail
    return Accepted(caption.text, found)


def _check_raw_length(raw: str, funnel: Funnel) -> Check:
    return Check(RAW_LENGTH, len(raw) <= funnel.max_raw_chars, len(raw), funnel.max_raw_chars)


def _check_text(caption: Caption, funnel: Funnel) -> Iterator[Check]:
    return (rule(caption, limit, funnel.speech) for rule, limit in funnel.steps)


def at_least(name: str, measure: Measure) -> Rule:
    """A rule that passes from its limit upwards."""

    def rule(caption: Caption, limit: float, _: Speech) -> Check:
        measured = measure(caption)
        return Check(name, measured >= limit, measured, limit)

    return rule


def at_most(name: str, measure: Measure) -> Rule:
    """A rule that passes up to its limit."""

    def rule(caption: Caption, limit: float, _: Speech) -> Check:
        measured = measure(caption)
        return Check(name, measured <= limit, measured, limit)

    return rule


def num_letters(caption: Caption) -> float:
    """Letters of any script. Source: none; a caption of digits and signs says nothing."""
    return sum(map(str.isalpha, caption.text))


def num_words(caption: Caption) -> float:
    """Words. Source: Changpinyo et al. 2021, section 2.1; Jia et al. 2021, section 3."""
    return len(caption.words)


def num_chars(caption: Caption) -> float:
    """Characters. Source: kakaobrain/coyo-dataset README."""
    return len(caption.text)


def file_name_fraction(caption: Caption) -> float:
    """Share of file names, addresses and camera counters among what stands between spaces."""
    return boilerplate.file_name_fraction(caption.text.split())


def dated_fraction(caption: Caption) -> float:
    """Share of dates and what leads to them. Source: Ramesh et al. 2021, section 2.3."""
    return boilerplate.dated_fraction(caption.text)


def upper_fraction(caption: Caption) -> float:
    """Share of upper case among cased letters: shouting."""
    if caption.text.islower():
        return 0.0
    upper = sum(map(str.isupper, caption.text))
    return upper / (upper + sum(map(str.islower, caption.text)) or 1)


def capitalised_fraction(caption: Caption) -> float:
    """Share of words that begin with a capital. Source: Sharma et al. 2018, section 3."""
    return sum(word[0].isupper() for word in caption.words) / (len(caption.words) or 1)


def begins_with_capital(caption: Caption) -> float:
    """1 where the first letter, before any cropping, is a capital, or its script has none."""
    first = next(filter(str.isalpha, caption.normal), "")
    return float(not first.islower())


def unique_fraction(caption: Caption) -> float:
    """Different words over all words. Source: Sharma et al. 2018, section 3."""
    return len({word.lower() for word in caption.words}) / (len(caption.words) or 1)


def repeated_fraction(caption: Caption) -> float:
    """Repeats of the most frequent content word over all words, its first use not counted.

    Source: Sharma et al. 2018, section 3 ("high rate of token repetition").
    """
    lowered = [word.lower() for word in caption.words]
    if len(set(lowered)) == len(lowered):
        return 0.0
    counts = Counter(word for word in lowered if word not in FUNCTION_WORDS)
    return (max(counts.values(), default=1) - 1) / len(lowered)


def boilerplate_edges(caption: Caption, limit: float, _: Speech) -> Check:
    """Begins or ends with a phrase that no caption does. Source: Sharma et al. 2018, section 3."""
    phrase = boilerplate.drop_phrase(caption.normal)
    return Check("boilerplate", bool(phrase) <= limit, float(bool(phrase)), limit, phrase)


def wrong_language(caption: Caption, limit: float, speech: Speech) -> Check:
    """The wanted language has at least probability `limit`, or the caption is too short to judge.

    The detail is the language found, or `und`; it becomes a column of what is kept.
    """
    found = language.guesses(caption.text)
    measured = found.get(speech.language, 0.0)
    if measured >= limit:
        return Check(LANGUAGE, True, measured, limit, speech.language)
    best, probability = next(iter(found.items()), (language.UNDETERMINED, 0.0))
    is_open = probability < speech.clear_probability and language.is_too_short_to_judge(
        caption.text, speech.judged_letters
    )
    detail = language.UNDETERMINED if is_open else best
    return Check(LANGUAGE, is_open, measured, limit, detail)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "too_few_letters": at_least("too_few_letters", num_letters),
        "file_name": at_most("file_name", file_name_fraction),
        "boilerplate": boilerplate_edges,
        "boilerplate_date": at_most("boilerplate_date", dated_fraction),
        "too_few_words": at_least("too_few_words", num_words),
        "too_many_words": at_most("too_many_words", num_words),
        "too_many_chars": at_most("too_many_chars", num_chars),
        "shouting": at_most("shouting", upper_fraction),
        "title_case": at_most("title_case", capitalised_fraction),
        "first_word_lower_case": at_least("first_word_lower_case", begins_with_capital),
        "few_unique_words": at_least("few_unique_words", unique_fraction),
        "repetitive": at_most("repetitive", repeated_fraction),
        LANGUAGE: wrong_language,
    }
)
