"""Capitals that carry no information are lowered before tagging.

The tagger has learned from newspapers, where a capital is a name. At the beginning of a caption,
in A Caption Like This and IN ONE LIKE THIS it is not. What that is worth: `ACCURACY.md`.
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.text.tagging.weights import Weights
from pipelines.text.tokens import Tokens

# Chosen: on `sample.tsv` of the tests any value from 0.3 to 0.7 gives the same accuracy, and the
# greatest of them leaves most names alone.
TITLE_FRACTION = 0.7
_ALWAYS_CAPITAL = "I"


def truecased(tokens: Tokens, weights: Weights) -> Tokens:
    """Lower the known words, except names, that are capitalised because of their position.

    Those are the first word of a caption, words of captions in title case and of captions in
    capitals. A word in capitals among others stays as it is: "US" is not "us".
    """
    may_lower = tokens.per_type(lambda word: _may_lower(word, weights), np.bool_)
    is_lowered = may_lower & _is_capital_by_place(tokens)
    types, new_ids = np.unique(tokens.ids[is_lowered], return_inverse=True)
    ids = tokens.ids.copy()
    ids[is_lowered] = len(tokens.types) + new_ids
    lowered = [tokens.types[i].lower() for i in types.tolist()]
    return Tokens([*tokens.types, *lowered], ids, tokens.offsets)


def _is_capital_by_place(tokens: Tokens) -> NDArray[np.bool_]:
    """Words that would have a capital there in any case, bool `[tokens]`."""
    is_word = tokens.per_type(lambda word: word[0].isalpha(), np.bool_)
    is_capital = tokens.per_type(lambda word: word[0].isupper(), np.bool_)
    is_upper = tokens.per_type(str.isupper, np.bool_)
    num_words = tokens.sums(is_word)
    is_title = (num_words > 1) & (tokens.sums(is_capital) >= TITLE_FRACTION * num_words)
    is_loud = is_title & (tokens.sums(is_upper & is_word) == num_words)
    is_first = np.zeros(len(tokens.ids), np.bool_)
    is_first[tokens.offsets[:-1][tokens.counts() > 0]] = True
    is_shout = is_upper & tokens.per_type(lambda word: len(word) > 1, np.bool_)
    captions = tokens.captions()
    return np.where(is_shout, is_loud[captions], is_title[captions] | is_first)


def _may_lower(word: str, weights: Weights) -> bool:
    """Whether its lower form is known, and not as a name."""
    lower = word.lower()
    if word in {lower, _ALWAYS_CAPITAL}:
        return False
    tag = weights.single.get(lower) or weights.single.get(word) or weights.likely_tag(lower)
    return tag is not None and not tag.startswith("NNP")
