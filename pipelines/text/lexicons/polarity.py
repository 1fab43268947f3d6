"""How good or bad a text sounds, from -1 to 1: VADER, called only where it can find something.

Source: Hutto and Gilbert 2014, vaderSentiment 3.3.2, `compound`.
"""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipelines.text.lexicons.sources import LexiconError, package_version

PROJECT = "vaderSentiment"
# Chosen: seven captions long (COYO-700M's mean is 69); VADER's time grows with the square, to most
# of a minute for ten thousand emoji.
MAX_CHARS = 500

_WORD = re.compile(r"\w[\w'-]*")
_SIGNS = re.escape(string.punctuation)


@dataclass(frozen=True)
class Polarity:
    """VADER with its two word lists.

    Args:
        words: entries that are words; a text without them and without a match scores 0.
        signs: RE2 expression of emoticons between spaces and of emoji.
    """

    words: frozenset[str]
    signs: str
    analyser: Any

    def is_laden(self, word: str) -> bool:
        """Whether a lower-case word is in the list, apart from signs around it."""
        return word.strip(string.punctuation) in self.words

    def compound(self, text: str) -> float:
        """The score of the first `MAX_CHARS` of a text, -1..1."""
        return float(self.analyser.polarity_scores(text[:MAX_CHARS])["compound"])


@cache
def load_polarity() -> Polarity:
    """VADER as its package bundles it.

    Raises:
        LexiconError: it is not installed.
    """
    try:
        # Here, since few callers need it.
        from vaderSentiment.vaderSentiment import (  # type: ignore[import-untyped]
            SentimentIntensityAnalyzer,
        )

        analyser = SentimentIntensityAnalyzer()
    except (ImportError, OSError) as error:
        raise LexiconError(
            f"{PROJECT} cannot be loaded: {error}; "
            f"`pip install --force-reinstall {PROJECT}` fixes it"
        ) from error
    words = frozenset(entry for entry in analyser.lexicon if _WORD.fullmatch(entry))
    emoticons = (entry for entry in analyser.lexicon if entry not in words and " " not in entry)
    return Polarity(words, _sign_pattern(emoticons, analyser.emojis), analyser)


def polarity_version() -> str:
    """What VADER is, for a fingerprint: its version."""
    return package_version(PROJECT)


def _sign_pattern(emoticons: Iterable[str], emoji: Iterable[str]) -> str:
    """VADER splits a text at white space, takes signs off the ends, and reads emoji one by one.

    White space is read broadly, as anything but a visible ASCII character: RE2 knows less of it.
    """
    either = "|".join(re.escape(entry) for entry in sorted(emoticons))
    single = "".join(re.escape(sign) for sign in sorted(emoji) if len(sign) == 1)
    return rf"(?:^|[^!-~])[{_SIGNS}]*(?i:{either})[{_SIGNS}]*(?:[^!-~]|$)|[{single}]"
