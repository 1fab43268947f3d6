"""The words of many captions as columns: each distinct word is processed once, not per caption."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Tokens:
    """The words of captions, caption after caption.

    Args:
        types: distinct words as written; may include words that are no longer used.
        ids: int32 `[tokens]`, indices into `types`.
        offsets: int64 `[captions + 1]`; caption i has the tokens `offsets[i]:offsets[i + 1]`.
    """

    types: list[str]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of_lists(cls, captions: Sequence[Sequence[str]]) -> Self:
        """From the words of each caption."""
        words = [word for caption in captions for word in caption]
        return cls.of_words(words, np.fromiter(map(len, captions), np.int64, len(captions)))

    @classmethod
    def of_words(cls, words: Sequence[str], counts: NDArray[np.int64]) -> Self:
        """From all words one after the other, and how many belong to each caption."""
        encoded = pa.array(words, pa.string()).dictionary_encode()
        return cls(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(), edges(counts))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def counts(self) -> NDArray[np.int64]:
        """Words of each caption, int64 `[captions]`."""
        return np.diff(self.offsets)

    def captions(self) -> NDArray[np.int64]:
        """The caption of each token, int64 `[tokens]`."""
        return np.repeat(np.arange(len(self)), self.counts())

    def sums(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values of tokens -> their sum in each caption, float64 `[captions]`; 0 without tokens."""
        # Not by differences of one running sum, whose rounding would depend on the neighbours.
        return np.bincount(self.captions(), values, len(self)).astype(np.float64)

    def per_type(self, f: Callable[[str], Any], dtype: Any = np.float64) -> NDArray[Any]:
        """`f` of each token, `[tokens]`; called once for each distinct word."""
        return np.fromiter(map(f, self.types), dtype, len(self.types))[self.ids]

    def mapped(self, f: Callable[[str], str]) -> "Tokens":
        """Each word replaced by `f` of it; called once for each distinct word."""
        encoded = pa.array(map(f, self.types), pa.string()).dictionary_encode()
        new_ids = encoded.indices.to_numpy()[self.ids]
        return Tokens(encoded.dictionary.to_pylist(), new_ids, self.offsets)

    def take(self, mask: NDArray[np.bool_]) -> Self:
        """The captions where `mask`, bool `[captions]`, is true; `types` stays as it is."""
        counts = self.counts()
        ids = self.ids[np.repeat(mask, counts)]
        return type(self)(self.types, ids, edges(counts[mask]))

    def lists(self) -> list[list[str]]:
        """The words of each caption."""
        words = [self.types[i] for i in self.ids.tolist()]
        bounds = self.offsets.tolist()
        return [words[a:b] for a, b in pairwise(bounds)]

    @cached_property
    def repeats(self) -> "Repeats":
        """How often each caption uses each of its words."""
        keys = np.sort(self.captions() * max(len(self.types), 1) + self.ids)
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        captions, ids = np.divmod(keys[starts], max(len(self.types), 1))
        return Repeats(captions, ids, np.diff(starts, append=len(keys)), len(self))


@dataclass(frozen=True)
class Repeats:
    """Distinct words of captions, ordered by caption; all arrays int64 `[distinct]`.

    Args:
        captions: which caption.
        ids: which word, as an index into `Tokens.types`.
        times: how often that caption uses that word, from 1.
        num_captions: of all, those without words included.
    """

    captions: NDArray[np.int64]
    ids: NDArray[np.int64]
    times: NDArray[np.int64]
    num_captions: int

    def distinct(self) -> NDArray[np.int64]:
        """Number of different words of each caption, int64 `[captions]`."""
        return np.bincount(self.captions, minlength=self.num_captions)

    def most(self, is_counted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Uses of the most used word of each caption, among words where `is_counted[id]`.

        Returns:
            int64 `[captions]`; 0 where there is none.
        """
        most = np.zeros(self.num_captions, np.int64)
        np.maximum.at(most, self.captions, np.where(is_counted[self.ids], self.times, 0))
        return most


def edges(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts `[n]` -> offsets `[n + 1]`, from 0."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
