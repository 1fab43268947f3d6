"""The rules on one caption: each measures a number, to be held against the recipe's limit.

A rule's name is its key in the recipe, the reason of its rejections and its counter. A measure
that cannot be taken is NaN and passes.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from pipelines.captions import boilerplate
from pipelines.captions.language import UNDETERMINED, Speech, Spoken, decide, guesses
from pipelines.captions.normalise.registry import normalise
from pipelines.rejection import Check

RAW_LENGTH = "too_long_raw"  # needs no `Caption`: `funnel` applies it before it reads one
LANGUAGE = "wrong_language"

# Chosen: they repeat in any sentence ("a cat on a mat and a dog on a rug") and are no repetition.
FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "of", "on", "the", "to", "with")
)
# A kana or Han character counts as a word, so that the language rule gets to see such captions.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w[\w'-]*")


@dataclass(slots=True)
class Caption:
    """A caption in its states.

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
    _guesses: dict[str, float] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, raw: str) -> Self:
        """Normalise, crop and split a raw caption."""
        normal = normalise(raw)
        text = boilerplate.crop(normal)
        return cls(raw, normal, text, _WORD.findall(text))

    def spoken(self, speech: Speech) -> Spoken:
        """The language; the model is asked once."""
        if self._guesses is None:
            self._guesses = guesses(self.text)
        return decide(self._guesses, self.text, speech)


@dataclass(frozen=True, slots=True)
class Rule:
    """A named measure.

    Args:
        name: reason and counter of its rejections.
        measure: pure function of a caption.
        is_floor: the limit is the least value that passes; else it is the greatest.
        detail: what the number cannot say.
    """

    name: str
    measure: Callable[[Caption], float]
    is_floor: bool = False
    detail: Callable[[Caption], str] | None = None

    def passes(self, measured: float, limit: float) -> bool:
        """Whether a value is within its limit; NaN is."""
        return not (measured < limit if self.is_floor else measured > limit)

    def check(self, caption: Caption, limit: float) -> Check:
        """The measured value beside the limit."""
        measured = self.measure(caption)
        return Check(
            self.name,
            passed=self.passes(measured, limit),
            measured=None if math.isnan(measured) else float(measured),
            threshold=limit,
            detail=self.detail(caption) if self.detail else "",
        )


def num_letters(caption: Caption) -> float:
    """Letters of any script; a caption of digits and signs says nothing."""
    return sum(map(str.isalpha, caption.text))


def num_words(caption: Caption) -> float:
    """Words. Source: Changpinyo et al. 2021, section 2.1; Jia et al. 2021, section 3."""
    return len(caption.words)


def num_chars(caption: Caption) -> float:
    """Characters. Source: kakaobrain/coyo-dataset README."""
    return len(caption.text)


def file_name_fraction(caption: Caption) -> float:
    """Share of file names, addresses and camera counters among what stands between spaces."""
    return boilerplate.file_name_fraction(caption.text)


def num_drop_phrases(caption: Caption) -> float:
    """1 where it begins or ends as no caption does. Source: Sharma et al. 2018, section 3."""
    return bool(boilerplate.drop_phrase(caption.normal))


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
    """0 where the first letter, before any cropping, is lower case. Source: as above."""
    return not next(filter(str.isalpha, caption.normal), "").islower()


def unique_fraction(caption: Caption) -> float:
    """Different words over all words. Source: Sharma et al. 2018, section 3."""
    return len({word.lower() for word in caption.words}) / (len(caption.words) or 1)


def repeated_fraction(caption: Caption) -> float:
    """Repeats of the most frequent content word over all words, its first use not counted.

    Source: Sharma et al. 2018, section 3 ("high rate of token repetition").
    """
    lowered = caption.text.lower()
    words = _WORD.findall(lowered) if lowered != caption.text else caption.words
    if len(set(words)) == len(words):
        return 0.0
    counts = Counter(word for word in words if word not in FUNCTION_WORDS)
    return (max(counts.values(), default=1) - 1) / len(words)


def language_rule(speech: Speech) -> Rule:
    """Probability of the wanted language; NaN where the caption is too short to judge."""

    def measure(caption: Caption) -> float:
        spoken = caption.spoken(speech)
        return math.nan if spoken.language == UNDETERMINED else spoken.probability

    return Rule(LANGUAGE, measure, is_floor=True, detail=lambda c: c.spoken(speech).language)


def _by_name(*rules: Rule) -> Mapping[str, Rule]:
    return MappingProxyType({rule.name: rule for rule in rules})


RULES = _by_name(
    Rule("too_few_letters", num_letters, is_floor=True),
    Rule("file_name", file_name_fraction),
    Rule("boilerplate", num_drop_phrases, detail=lambda c: boilerplate.drop_phrase(c.normal)),
    Rule("boilerplate_date", dated_fraction),
    Rule("too_few_words", num_words, is_floor=True),
    Rule("too_many_words", num_words),
    Rule("too_many_chars", num_chars),
    Rule("shouting", upper_fraction),
    Rule("title_case", capitalised_fraction),
    Rule("first_word_lower_case", begins_with_capital, is_floor=True),
    Rule("few_unique_words", unique_fraction, is_floor=True),
    Rule("repetitive", repeated_fraction),
    language_rule(Speech()),
)
