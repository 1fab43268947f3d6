"""Rules on parts of speech; they need a tagger, so they come last in a recipe.

Classes of tags follow the universal tag set, whose names the paper's rules use.
Source: Petrov et al. 2012, universal-pos-tags/en-ptb.map; Sharma et al. 2018, section 3.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.rules.rule import Rule
from pipelines.captions.settings import Settings
from pipelines.text.tagging.tagged import PTB_TAGS, Tagged
from pipelines.text.tagging.taggers import tagger_versions

Measures = NDArray[np.float64]

DETERMINERS = ("DT", "PDT", "WDT", "EX")
NOUNS = ("NN", "NNS", "NNP", "NNPS")
PROPER_NOUNS = ("NNP", "NNPS")
VERBS = ("MD", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ")
ADJECTIVES = ("JJ", "JJR", "JJS")
ADVERBS = ("RB", "RBR", "RBS", "WRB")
CONTENT_CLASSES = (NOUNS, VERBS, ADJECTIVES, ADVERBS)
MARKS = ("#", "$", "''", "``", ",", ".", ":", "-LRB-", "-RRB-", "SYM", "NFP", "HYPH", "_SP")
WORDS = tuple(tag for tag in PTB_TAGS if tag not in MARKS)


def num_determiners(batch: Batch) -> Measures:
    """Determiners. Source: Sharma et al. 2018, section 3."""
    return _counts(batch.tagged, DETERMINERS)


def num_nouns(batch: Batch) -> Measures:
    """Nouns, proper ones included. Source: as above; kakaobrain/coyo-dataset README."""
    return _counts(batch.tagged, NOUNS)


def num_prepositions(batch: Batch) -> Measures:
    """Prepositions; "to" is one unless a verb follows. Source: Sharma et al. 2018, section 3."""
    tagged = batch.tagged
    is_last = np.zeros(len(tagged.tags), np.bool_)
    is_last[tagged.tokens.offsets[1:][tagged.tokens.counts() > 0] - 1] = True
    before_verb = np.roll(tagged.has(("VB",)), -1) & ~is_last
    return tagged.tokens.sums(tagged.has(("IN",)) | (tagged.has(("TO",)) & ~before_verb))


def noun_ratio(batch: Batch) -> Measures:
    """Nouns over words, 0..1; 0 without words. Source: Sharma et al. 2018, section 3."""
    return _counts(batch.tagged, NOUNS) / _num_words(batch.tagged)


def proper_noun_ratio(batch: Batch) -> Measures:
    """Proper nouns over words, 0..1; 0 without words."""
    return _counts(batch.tagged, PROPER_NOUNS) / _num_words(batch.tagged)


def unique_content_ratio(batch: Batch) -> Measures:
    """The least share of different words among the nouns, verbs, adjectives or adverbs, 0..1.

    Our interpretation of "high unique word ratio covering various POS tags": no class of content
    words may consist of repeats. A class without words is ignored; NaN where there are none at all.
    Source: Sharma et al. 2018, section 3.
    """
    tagged = batch.tagged
    lowered = tagged.tokens.mapped(str.lower)
    captions = lowered.captions()
    least = np.full(len(tagged), np.nan)
    for tags in CONTENT_CLASSES:
        of_class = tagged.has(tags)
        words = np.bincount(captions[of_class], minlength=len(tagged))
        pairs = np.unique(captions[of_class] * len(lowered.types) + lowered.ids[of_class])
        distinct = np.bincount(pairs // max(len(lowered.types), 1), minlength=len(tagged))
        least = np.fmin(least, np.where(words, distinct / np.maximum(words, 1), np.nan))
    return least


def tags_of_words(batch: Batch) -> list[str]:
    """Each caption with its tags, for people: "a/DT dog/NN"."""
    return [" ".join(f"{word}/{tag}" for word, tag in pairs) for pairs in batch.tagged.pairs()]


def _counts(tagged: Tagged, tags: tuple[str, ...]) -> Measures:
    return tagged.tokens.sums(tagged.has(tags))


def _num_words(tagged: Tagged) -> Measures:
    """Words, marks apart, and at least one, to divide by."""
    return np.maximum(_counts(tagged, WORDS), 1)


def _versions(settings: Settings) -> dict[str, str]:
    return tagger_versions(settings.tagger)


_rule = partial(Rule, details=tags_of_words, versions=_versions)

RULES = (
    _rule("no_determiner", num_determiners, is_floor=True),
    _rule("no_noun", num_nouns, is_floor=True),
    _rule("no_preposition", num_prepositions, is_floor=True),
    _rule("noun_ratio", noun_ratio),
    _rule("proper_noun_ratio", proper_noun_ratio),
    _rule("few_unique_content_words", unique_content_ratio, is_floor=True),
)
