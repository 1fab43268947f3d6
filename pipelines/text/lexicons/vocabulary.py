"""How often English uses a word: the vocabulary that captions are checked against.

Sharma et al. 2018, section 3, keep captions whose words all occur at least 5 times in the English
Wikipedia (a billion distinct words); Changpinyo et al. 2021 at least 20 times. That list was never
released. Here a word's count is its frequency in wordfreq's large English list times the words of
that Wikipedia. The list ends at one use in 10^8 words, which is a count of 36: so with it both
limits require the same: that each word be in the list. A file of real counts distinguishes them.
"""

import gzip
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import msgpack  # type: ignore[import-untyped]

from pipelines.text.lexicons.sources import (
    LexiconError,
    file_digest,
    package_file,
    package_version,
    read_lines,
)

WORDFREQ = "wordfreq"
WIKIPEDIA_WORDS = 3.5e9  # Source: en.wikipedia.org, "Wikipedia:Size of Wikipedia", autumn 2018

_COUNT = re.compile(r"\d+(?:\.\d+)?")
_DIGIT = re.compile(r"\d")
_POSSESSIVE = re.compile(r"'s?$")
_PART = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True)
class Vocabulary:
    """Counts of lower-case words.

    Args:
        counts: word -> how often Wikipedia, or the corpus of a file, uses it.
    """

    counts: Mapping[str, float]

    def count(self, word: str) -> float:
        """Count of a word in lower case; infinite where it contains a digit, 0 if unknown.

        A word that is not in the list itself counts as what it is made of: without its possessive
        ending, and with hyphens and underscores as the rarest of its parts.
        """
        found = self.counts.get(word)
        if found is not None:
            return found
        if _DIGIT.search(word):
            return math.inf
        return min(map(self._count_part, _PART.findall(word)), default=math.inf)

    def _count_part(self, part: str) -> float:
        return self.counts.get(part) or self.counts.get(_POSSESSIVE.sub("", part), 0.0)


@cache
def load_vocabulary(spec: str) -> Vocabulary:
    """The vocabulary named `wordfreq`, or of a file of `token<TAB>count` lines, plain or `.gz`.

    Raises:
        LexiconError: not there, not UTF-8, or a line that is something else.
    """
    if spec == WORDFREQ:
        return Vocabulary(dict(wordfreq_counts()))
    return Vocabulary(_read_counts(spec))


def vocabulary_version(spec: str) -> str:
    """What the vocabulary is, for a fingerprint: version of the package, or sha256 of the file.

    Raises:
        LexiconError: as `load_vocabulary`, so that a wrong line is reported before any row is read.
    """
    if spec == WORDFREQ:
        return package_version(WORDFREQ)
    _read_counts(spec)
    return file_digest(spec)


def wordfreq_counts() -> Iterator[tuple[str, float]]:
    """Words of wordfreq's large English list with their counts, most frequent first.

    Digits are written as 0 in it. Source: Speer 2022, wordfreq 3, `read_cBpack`: the n-th list has
    the words with a frequency of 10^(-n/100).
    """
    path = package_file(WORDFREQ, "data/large_en.msgpack.gz", WORDFREQ)
    _, *lists = msgpack.unpackb(gzip.decompress(path.read_bytes()))
    for centibels, words in enumerate(lists):
        count = WIKIPEDIA_WORDS * 10 ** (-centibels / 100)
        yield from ((word, count) for word in words)


def _read_counts(url: str) -> dict[str, float]:
    counts: dict[str, float] = {}
    for number, line in enumerate(read_lines(url), start=1):
        word, value = line.partition("\t")[0].lower(), _number(line.partition("\t")[2])
        if not word or value is None:
            raise LexiconError(f"{url}:{number}: {line[:80]!r} is not `token<TAB>count`")
        counts[word] = counts.get(word, 0.0) + value
    return counts


def _number(text: str) -> float | None:
    return float(text) if _COUNT.fullmatch(text) else None
