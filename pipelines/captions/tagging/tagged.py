"""Captions with their parts of speech, side by side."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.tokens import Tokens

# Source: Penn Treebank, Marcus et al. 1993, table 2, with the signs of the later releases.
# fmt: off
PTB_TAGS = (
    "CC", "CD", "DT", "EX", "FW", "IN", "JJ", "JJR", "JJS", "LS", "MD", "NN", "NNS", "NNP", "NNPS",
    "PDT", "POS", "PRP", "PRP$", "RB", "RBR", "RBS", "RP", "SYM", "TO", "UH", "VB", "VBD", "VBG",
    "VBN", "VBP", "VBZ", "WDT", "WP", "WP$", "WRB", "#", "$", "''", "(", ")", ",", ".", ":", "``",
)
# fmt: on


@dataclass(frozen=True)
class Tagged:
    """Words and signs of captions as the tagger splits them, each with its tag.

    Args:
        tokens: words and punctuation.
        tags: uint8 `[tokens]`, indices into `PTB_TAGS`.
    """

    tokens: Tokens
    tags: NDArray[np.uint8]

    def take(self, mask: NDArray[np.bool_]) -> Self:
        """The captions where `mask`, bool `[captions]`, is true."""
        tags = self.tags[np.repeat(mask, self.tokens.counts())]
        return type(self)(self.tokens.take(mask), tags)

    def pairs(self) -> list[list[tuple[str, str]]]:
        """Word and tag of each token of each caption."""
        tags = iter([PTB_TAGS[tag] for tag in self.tags.tolist()])
        return [list(zip(words, tags, strict=False)) for words in self.tokens.lists()]
