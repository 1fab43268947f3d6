"""The characters of many captions as columns; each kind is a table over all of Unicode."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.text.tokens import edges

MAX_CODE = sys.maxunicode

Kind = Callable[[], NDArray[np.bool_]]


@dataclass(frozen=True)
class Characters:
    """The characters of captions, caption after caption.

    Args:
        codes: uint32 `[characters]`, code points.
        offsets: int64 `[captions + 1]`; caption i has the characters `offsets[i]:offsets[i + 1]`.
    """

    codes: NDArray[np.uint32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.StringArray) -> Self:
        """The characters of each text."""
        strings = texts.to_pylist()
        codes = np.frombuffer("".join(strings).encode("utf-32-le"), np.uint32)
        return cls(codes, edges(np.fromiter(map(len, strings), np.int64, len(strings))))

    def count(self, kind: Kind) -> NDArray[np.int64]:
        """Characters of a kind in each caption, int64 `[captions]`."""
        running = np.zeros(len(self.codes) + 1, np.int64)
        np.cumsum(kind()[self.codes], out=running[1:])
        return np.diff(running[self.offsets])

    def first(self, kind: Kind) -> NDArray[np.uint32]:
        """The first character of a kind in each caption, uint32 `[captions]`; 0 where none is."""
        indices = np.append(np.flatnonzero(kind()[self.codes]), len(self.codes))
        found = indices[np.searchsorted(indices, self.offsets[:-1])]
        return np.where(found < self.offsets[1:], np.append(self.codes, np.uint32(0))[found], 0)

    def take(self, mask: NDArray[np.bool_]) -> Self:
        """The captions where `mask`, bool `[captions]`, is true."""
        counts = np.diff(self.offsets)
        return type(self)(self.codes[np.repeat(mask, counts)], edges(counts[mask]))


@cache
def letters() -> NDArray[np.bool_]:
    """Which code points are letters, of any script."""
    return table("isalpha")


@cache
def upper_case() -> NDArray[np.bool_]:
    """Which code points are upper case."""
    return table("isupper")


@cache
def lower_case() -> NDArray[np.bool_]:
    """Which code points are lower case."""
    return table("islower")


def table(method: str) -> NDArray[np.bool_]:
    """A method of `str` for every code point, by numpy's twin of it, which is a loop in C."""
    codes: NDArray[Any] = np.arange(MAX_CODE + 1, dtype=np.uint32).view("U1")
    answers: NDArray[np.bool_] = getattr(np.strings, method)(codes)
    return answers
