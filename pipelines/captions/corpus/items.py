"""What of a caption is counted over all data: its text, its words and word pairs, its types."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.captions.corpus.hashes import hash_pairs, hash_texts, hash_words
from pipelines.captions.corpus.tally import Hashes, Tally
from pipelines.text.tokens import Tokens


@dataclass(frozen=True, eq=False)
class Items:
    """The counted things of many captions.

    Args:
        hashes: uint64 `[items]`.
        captions: int64 `[items]`, the caption of each.
        name: an item's number -> what a person calls it.
    """

    hashes: Hashes
    captions: npt.NDArray[np.int64]
    name: Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Failures:
    """Captions with an item beyond a limit, each with its worst one.

    Args:
        captions: int64 `[failures]`, ascending.
        measured: float64 `[failures]`, the item's count or rank.
        details: the item's name.
    """

    captions: npt.NDArray[np.int64]
    measured: npt.NDArray[np.float64]
    details: list[str]


def text_items(texts: Sequence[str]) -> Items:
    """One item a caption: the whole text."""
    return Items(hash_texts(texts), np.arange(len(texts)), lambda item: texts[item])


def token_items(tokens: Tokens) -> Items:
    """One item a token, such as the types of the entities of a caption."""
    types, ids = tokens.types, tokens.ids
    return Items(hash_words(tokens), tokens.captions(), lambda item: types[int(ids[item])])


def ngram_items(words: Tokens) -> Items:
    """The words of captions, then their pairs of neighbours."""
    types, ids = words.types, words.ids
    hashes, captions = hash_words(words), words.captions()
    lefts = np.flatnonzero(captions[:-1] == captions[1:])
    pairs = hash_pairs(hashes)[lefts] if len(lefts) else hashes[:0]

    def name(item: int) -> str:
        if item < len(hashes):
            return types[int(ids[item])]
        left = int(lefts[item - len(hashes)])
        return f"{types[int(ids[left])]} {types[int(ids[left + 1])]}"

    both = np.concatenate([captions, captions[lefts]])
    return Items(np.concatenate([hashes, pairs]), both, name)


def failures(items: Items, failing: Tally, is_floor: bool) -> Failures:
    """The captions that hold a failing item.

    Args:
        items: of the captions.
        failing: hash -> what was measured of it, of all items beyond the limit.
        is_floor: the worst item is the one with the least number; else the greatest. Of equals, the
            first in the caption.
    """
    places = failing.find(items.hashes)
    failed = np.flatnonzero(places >= 0)
    captions, measured = items.captions[failed], failing.numbers[places[failed]]
    order = np.lexsort((failed, measured if is_floor else -measured, captions))
    chosen = order[np.flatnonzero(np.diff(captions[order], prepend=-1))]
    details = [items.name(item) for item in failed[chosen].tolist()]
    return Failures(captions[chosen], measured[chosen].astype(np.float64), details)
