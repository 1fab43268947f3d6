"""Rules that hold the words of captions against word lists.

A list is loaded when its rule first measures; each distinct word of a batch is looked up once.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.rules.rule import Rule
from pipelines.text.lexicons.polarity import load_polarity
from pipelines.text.lexicons.profanity import load_phrases
from pipelines.text.lexicons.vocabulary import load_vocabulary
from pipelines.text.prefilter import matches, measure_matching
from pipelines.text.tokens import Tokens

MAX_NAMED = 5  # Chosen: words that a rejection names


def rare_word_rule(vocabulary: str) -> Rule:
    """Count of the rarest word; NaN where no word can be counted, as numbers cannot.

    Source: Sharma et al. 2018, section 3: "any token outside V_W". What a count means here:
    `lexicons/vocabulary.py`.

    Args:
        vocabulary: as `load_vocabulary` takes it.
    """

    def measure(batch: Batch) -> NDArray[np.float64]:
        return _least(batch.lowered, load_vocabulary(vocabulary).count)

    def details(batch: Batch) -> list[str]:
        count = load_vocabulary(vocabulary).count
        return [_rarest(words, count) for words in batch.lowered.lists()]

    return Rule("rare_word", measure, is_floor=True, details=details)


def polarity_rule() -> Rule:
    """Distance of VADER's score from neutral, 0..1: too positive is as bad as too negative.

    Source: Sharma et al. 2018, section 3: drop if "polarity annotation is too high or too low".
    """

    def measure(batch: Batch) -> NDArray[np.float64]:
        return np.abs(_compound(batch))

    def details(batch: Batch) -> list[str]:
        return [f"{score:+.2f}" for score in _compound(batch)]

    return Rule("polarity", measure, details=details)


def profanity_rule(phrases: str) -> Rule:
    """Number of words and phrases of a list of profanities.

    Source: Sharma et al. 2018, section 3; kakaobrain/coyo-dataset README.

    Args:
        phrases: as `load_phrases` takes it.
    """

    def measure(batch: Batch) -> NDArray[np.float64]:
        listed = load_phrases(phrases)
        singles = batch.lowered.sums(batch.lowered.per_type(listed.holds))
        if not listed.others:
            return singles
        return singles + measure_matching(batch.text, listed.others, listed.num_others)

    def details(batch: Batch) -> list[str]:
        listed = load_phrases(phrases)
        rows = zip(batch.text.to_pylist(), batch.lowered.lists(), strict=True)
        return [", ".join(listed.found(text, words)[:MAX_NAMED]) for text, words in rows]

    return Rule("profanity", measure, details=details)


def _compound(batch: Batch) -> NDArray[np.float64]:
    polarity = load_polarity()
    laden = batch.lowered.sums(batch.lowered.per_type(polarity.is_laden)) > 0
    mask = laden | matches(batch.text, polarity.signs)
    scores = np.zeros(len(batch))
    texts = batch.text.filter(mask).to_pylist()
    scores[mask] = [polarity.compound(text) for text in texts]
    return scores


def _least(tokens: Tokens, count: Callable[[str], float]) -> NDArray[np.float64]:
    least = np.full(len(tokens), np.inf)
    np.minimum.at(least, tokens.captions(), tokens.per_type(count))
    return np.where(np.isinf(least), np.nan, least)


def _rarest(words: list[str], count: Callable[[str], float]) -> str:
    counts = {word: count(word) for word in words}
    least = min(counts.values(), default=0.0)
    return ", ".join([word for word, found in counts.items() if found == least][:MAX_NAMED])
