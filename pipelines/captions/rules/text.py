"""Rules on what is written: letters, case, words, length, boilerplate, repetition."""

from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.rules.rule import Rule
from pipelines.captions.settings import Settings
from pipelines.text import boilerplate
from pipelines.text.characters import Characters, letters, lower_case, upper_case

Measures = NDArray[np.float64]

RAW_LENGTH = "too_long_raw"

# Chosen: they repeat in any sentence ("a cat on a mat and a dog on a rug") and are no repetition.
FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "of", "on", "the", "to", "with")
)


def num_raw_chars(batch: Batch) -> Measures:
    """Characters as found: a caption above the limit is not even normalised."""
    return _floats(pc.utf8_length(batch.raw))


def num_letters(batch: Batch) -> Measures:
    """Letters of any script; a caption of digits and signs says nothing."""
    return batch.characters.count(letters).astype(np.float64)


def num_words(batch: Batch) -> Measures:
    """Words. Source: Changpinyo et al. 2021, section 2.1; Jia et al. 2021, section 3."""
    return batch.words.counts().astype(np.float64)


def num_chars(batch: Batch) -> Measures:
    """Characters. Source: kakaobrain/coyo-dataset README."""
    return _floats(pc.utf8_length(batch.text))


def file_name_fraction(batch: Batch) -> Measures:
    """Share of file names, addresses and camera counters among the strings between spaces."""
    return boilerplate.file_name_fractions(batch.text)


def num_drop_phrases(batch: Batch) -> Measures:
    """1 where it begins or ends as no caption does. Source: Sharma et al. 2018, section 3."""
    return boilerplate.num_drop_phrases(batch.normal)


def drop_phrases(batch: Batch) -> list[str]:
    """The phrase that each caption begins or ends with."""
    return [boilerplate.drop_phrase(text) for text in batch.normal.to_pylist()]


def dated_fraction(batch: Batch) -> Measures:
    """Share of dates and what leads to them. Source: Ramesh et al. 2021, section 2.3."""
    return boilerplate.dated_fractions(batch.text)


def upper_fraction(batch: Batch) -> Measures:
    """Share of upper case among cased letters: shouting."""
    upper = batch.characters.count(upper_case)
    cased = upper + batch.characters.count(lower_case)
    return _shares(upper, cased)


def capitalised_fraction(batch: Batch) -> Measures:
    """Share of words that begin with a capital. Source: Sharma et al. 2018, section 3."""
    capitalised = batch.words.sums(batch.words.per_type(_is_capitalised))
    return _shares(capitalised, batch.words.counts())


def begins_with_capital(batch: Batch) -> Measures:
    """0 where the first letter, before any cropping, is lower case. Source: as above."""
    is_lower = lower_case()[Characters.of(batch.normal).first(letters)]
    return 1.0 - is_lower.astype(np.float64)


def unique_fraction(batch: Batch) -> Measures:
    """Different words over all words. Source: Sharma et al. 2018, section 3."""
    return _shares(batch.lowered.repeats.distinct(), batch.words.counts())


def repeated_fraction(batch: Batch) -> Measures:
    """Repeats of the most frequent content word over all words, its first use not counted.

    Source: Sharma et al. 2018, section 3 ("high rate of token repetition").
    """
    is_content = np.array([word not in FUNCTION_WORDS for word in batch.lowered.types], np.bool_)
    repeats = np.maximum(batch.lowered.repeats.most(is_content) - 1, 0)
    return _shares(repeats, batch.words.counts())


def _shares(parts: NDArray[Any], wholes: NDArray[np.int64]) -> Measures:
    """Parts of wholes, 0 of an empty one."""
    shares: Measures = parts / np.maximum(wholes, 1)
    return shares


def _is_capitalised(word: str) -> bool:
    return word[0].isupper()


def _floats(counts: pc.Expression) -> Measures:
    values: Measures = counts.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _phrases(settings: Settings) -> dict[str, str]:
    return {"boilerplate": boilerplate.phrases_version()}


RULES = (
    Rule(RAW_LENGTH, num_raw_chars),
    Rule("too_few_letters", num_letters, is_floor=True),
    Rule("file_name", file_name_fraction),
    Rule("boilerplate", num_drop_phrases, details=drop_phrases, versions=_phrases),
    Rule("boilerplate_date", dated_fraction),
    Rule("too_few_words", num_words, is_floor=True),
    Rule("too_many_words", num_words),
    Rule("too_few_chars", num_chars, is_floor=True),
    Rule("too_many_chars", num_chars),
    Rule("shouting", upper_fraction),
    Rule("title_case", capitalised_fraction),
    Rule("first_word_lower_case", begins_with_capital, is_floor=True),
    Rule("few_unique_words", unique_fraction, is_floor=True),
    Rule("repetitive", repeated_fraction),
)
