"""Rules that compare the words of captions with word lists.

A list is loaded when its rule first measures; each distinct word of a batch is looked up once.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.rules.rule import Rule
from pipelines.captions.settings import Settings
from pipelines.text.lexicons.polarity import load_polarity, polarity_version
from pipelines.text.lexicons.profanity import load_phrases, phrases_version
from pipelines.text.lexicons.vocabulary import load_vocabulary, vocabulary_version
from pipelines.text.prefilter import matches, measure_matching

Measures = NDArray[np.float64]

MAX_NAMED = 5  # Chosen: words that a rejection names


def rarest_count(batch: Batch) -> Measures:
    """Count of the rarest word; NaN where no word can be counted, as numbers cannot.

    Source: Sharma et al. 2018, section 3: "any token outside V_W". What a count means here:
    `pipelines/text/lexicons/vocabulary.py`.
    """
    tokens, least = batch.lowered, np.full(len(batch), np.inf)
    counts = tokens.per_type(load_vocabulary(batch.spec.vocabulary).count)
    np.minimum.at(least, tokens.captions(), counts)
    return np.where(np.isinf(least), np.nan, least)


def rarest_words(batch: Batch) -> list[str]:
    """The rarest words of each caption."""
    count = load_vocabulary(batch.spec.vocabulary).count
    return [_rarest(words, count) for words in batch.lowered.lists()]


def distance_from_neutral(batch: Batch) -> Measures:
    """Distance of VADER's score from neutral, 0..1: too positive is as bad as too negative.

    Source: Sharma et al. 2018, section 3: drop if "polarity annotation is too high or too low".
    """
    return np.abs(_compound(batch))


def polarities(batch: Batch) -> list[str]:
    """VADER's score of each caption with its sign."""
    return [f"{score:+.2f}" for score in _compound(batch)]


def num_profanities(batch: Batch) -> Measures:
    """Number of words and phrases of a list of profanities.

    Source: Sharma et al. 2018, section 3; kakaobrain/coyo-dataset README.
    """
    listed, words = load_phrases(batch.spec.profanities), batch.lowered
    singles = words.sums(words.per_type(listed.contains))
    if not listed.others:
        return singles
    return singles + measure_matching(batch.text, listed.others, listed.num_others)


def profanities(batch: Batch) -> list[str]:
    """The profanities found in each caption."""
    listed = load_phrases(batch.spec.profanities)
    rows = zip(batch.text.to_pylist(), batch.lowered.lists(), strict=True)
    return [", ".join(listed.found(text, words)[:MAX_NAMED]) for text, words in rows]


def _compound(batch: Batch) -> Measures:
    polarity = load_polarity()
    laden = batch.lowered.sums(batch.lowered.per_type(polarity.is_laden)) > 0
    mask = laden | matches(batch.text, polarity.signs)
    scores = np.zeros(len(batch))
    texts = batch.text.filter(mask).to_pylist()
    scores[mask] = [polarity.compound(text) for text in texts]
    return scores


def _rarest(words: list[str], count: Callable[[str], float]) -> str:
    counts = {word: count(word) for word in words}
    least = min(counts.values(), default=0.0)
    return ", ".join([word for word, found in counts.items() if found == least][:MAX_NAMED])


def _vocabulary(settings: Settings) -> dict[str, str]:
    return {"vocabulary": vocabulary_version(settings.vocabulary)}


def _polarity(settings: Settings) -> dict[str, str]:
    return {"polarity": polarity_version()}


def _profanities(settings: Settings) -> dict[str, str]:
    return {"profanities": phrases_version(settings.profanities)}


RULES = (
    Rule("rare_word", rarest_count, is_floor=True, details=rarest_words, versions=_vocabulary),
    Rule("polarity", distance_from_neutral, details=polarities, versions=_polarity),
    Rule("profanity", num_profanities, details=profanities, versions=_profanities),
)
