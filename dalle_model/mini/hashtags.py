"""`#sunsetatthebeach` -> `sunset at the beach`: the split into the most usual words."""

import math
import re
from collections.abc import Mapping
from functools import cache
from itertools import chain

MAX_WORD = 24  # Chosen: letters of the longest word sought; longer ones are no words of hashtags
MAX_TAG = 100  # Chosen: a longer run of letters is left whole

_HASHTAG = re.compile(r"#(\w+)")
_RUN = re.compile(r"\d+|[^\W\d_]+")


def split_hashtags(text: str) -> str:
    """Each hashtag as words, without its `#`; digits stay together."""
    return _HASHTAG.sub(_split_tag, text)


def split_letters(letters: str, costs: Mapping[str, float]) -> list[str]:
    """The words with the least sum of costs that make up a run of letters.

    Whole where no row of known words makes it up. Of two equal sums the one whose last word is
    shorter. Source: keredson/wordninja, after borisdayma/dalle-mini, `HashtagProcessor`: the cost
    of the n-th most frequent word is log n (Zipf's law). Theirs are counts of Wikipedia, which
    cannot ship; here words are as frequent as wordfreq's large English list has them.
    """
    lowered = letters.lower()
    if len(lowered) != len(letters) or len(letters) > MAX_TAG:
        return [letters]
    best: list[tuple[float, int]] = [(0.0, 0)]  # of each beginning: cost, length of its last word
    for end in range(1, len(letters) + 1):
        lengths = range(1, min(end, MAX_WORD) + 1)
        best.append(
            min(
                (best[end - length][0] + costs.get(lowered[end - length : end], math.inf), length)
                for length in lengths
            )
        )
    return _words(letters, best) if math.isfinite(best[-1][0]) else [letters]


def _words(letters: str, best: list[tuple[float, int]]) -> list[str]:
    words, end = [], len(letters)
    while end:
        words.append(letters[end - best[end][1] : end])
        end -= best[end][1]
    return words[::-1]


def _split_tag(match: re.Match[str]) -> str:
    runs = _RUN.findall(match[1])
    words = ([run] if run.isdigit() else split_letters(run, _word_costs()) for run in runs)
    return " ".join(chain.from_iterable(words))


@cache
def _word_costs() -> dict[str, float]:
    from wordfreq import iter_wordlist  # of the extra `data`; here, since few captions have one

    words = iter_wordlist("en", wordlist="large")  # most frequent first
    return {word: math.log(rank) for rank, word in enumerate(words, start=1)}
