"""Which references share a sequence of words with a caption.

Case, spacing and punctuation do not count. Source: Brown et al. 2020 (GPT-3), appendix C.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pipelines.text.folding import fold

# References that are held of one sequence of words, the first ones. Chosen: `a man riding a wave on
# top of` begins hundreds of captions of COCO, and one of them is evidence enough.
MOST_HOLDERS = 16

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True)
class Ngrams:
    """The sequences of words in the captions of references.

    Args:
        ngram: words in a sequence.
        min_words: captions with fewer have none; one with fewer than `ngram` is one itself.
        holders: references by sequence.
    """

    ngram: int
    min_words: int
    holders: dict[str, list[int]]

    @classmethod
    def of(cls, captions: Sequence[Sequence[str]], ngram: int, min_words: int) -> Self:
        """Those of the captions of each reference."""
        found = cls(ngram, min_words, {})
        for number, texts in enumerate(captions):
            for sequence in sorted({s for text in texts for s in found.sequences(text)}):
                holders = found.holders.setdefault(sequence, [])
                if len(holders) < MOST_HOLDERS:
                    holders.append(number)
        return found

    def sequences(self, caption: str) -> set[str]:
        """The distinct sequences of a caption."""
        words = _WORD.findall(fold(caption))
        if len(words) < self.min_words:
            return set()
        starts = range(max(1, len(words) - self.ngram + 1))
        return {" ".join(words[start : start + self.ngram]) for start in starts}

    def shared(self, caption: str) -> Counter[int]:
        """How many distinct sequences each reference shares with a caption; of those that do."""
        found: Counter[int] = Counter()
        for sequence in self.sequences(caption):
            found.update(self.holders.get(sequence, ()))
        return found
