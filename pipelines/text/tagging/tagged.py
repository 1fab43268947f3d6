"""What every tagger gives back: words and punctuation of many captions, and a tag for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from dalle_model.errors import UsageError
from pipelines.text.tokens import Tokens

# Source: Santorini 1990, Part-of-Speech Tagging Guidelines for the Penn Treebank Project, as used
# in its Wall Street Journal section; after them those that OntoNotes 5 and spaCy add.
PTB_TAGS = (
    *("#", "$", "''", ",", "-LRB-", "-RRB-", ".", ":", "CC", "CD", "DT", "EX", "FW", "IN", "JJ"),
    *("JJR", "JJS", "LS", "MD", "NN", "NNP", "NNPS", "NNS", "PDT", "POS", "PRP", "PRP$", "RB"),
    *("RBR", "RBS", "RP", "SYM", "TO", "UH", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "WDT"),
    *("WP", "WP$", "WRB", "``", "ADD", "AFX", "GW", "HYPH", "NFP", "XX", "_SP"),
)
TAG_NUMBERS = {tag: number for number, tag in enumerate(PTB_TAGS)}


class TaggerError(UsageError):
    """A tagger is unknown, not installed, or gives tags that the rules do not know."""


@dataclass(frozen=True)
class Tagged:
    """Captions split and tagged.

    Args:
        tokens: words and punctuation as the tagger splits them, as written.
        tags: uint8 `[tokens]`, indices into `PTB_TAGS`.
    """

    tokens: Tokens
    tags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, mask: NDArray[np.bool_]) -> Self:
        """The captions where `mask`, bool `[captions]`, is true."""
        tags = self.tags[np.repeat(mask, self.tokens.counts())]
        return type(self)(self.tokens.take(mask), tags)

    def pairs(self) -> list[list[tuple[str, str]]]:
        """(word, tag) of each caption."""
        names = [PTB_TAGS[number] for number in self.tags.tolist()]
        parts = pairwise(self.tokens.offsets.tolist())
        return [
            list(zip(words, names[first:last], strict=True))
            for words, (first, last) in zip(self.tokens.lists(), parts, strict=True)
        ]

    def has(self, tags: Iterable[str]) -> NDArray[np.bool_]:
        """Which tokens carry one of some tags, bool `[tokens]`."""
        wanted = np.zeros(len(PTB_TAGS), np.bool_)
        wanted[[TAG_NUMBERS[tag] for tag in tags]] = True
        return wanted[self.tags]


class Tagger(Protocol):
    """Splits captions and gives each word its part of speech, whatever the other captions are.

    Args:
        name: as `load_tagger` takes it.
    """

    name: str

    def tag(self, texts: Sequence[str]) -> Tagged:
        """Tags of captions; a caption without words has no tokens."""
        ...
