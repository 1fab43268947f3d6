"""The best rows of all data, exactly so many, though no worker ever holds all scores.

A row is a number of 96 bits: its score, the best first, then a hash of its key, which decides
between equal scores. The last row that is kept is found as a radix sort would: its first bits by
counting how many rows begin with each, then the next bits among the rows that begin with those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

# Bits of each digit. Chosen: counts of 16 bits are a megabyte at most; of the last digit, rows with
# one score and equal first bits of the hash are counted, which are a 65,536th of those with it.
WIDTHS = (16, 16, 16, 48)

Scores = NDArray[np.float32]
Digits = NDArray[np.uint64]  # (rows, len(WIDTHS)), the smallest row first in order of the best


@dataclass(frozen=True, eq=False)
class Counts:
    """How many rows have each value of a digit.

    Args:
        values: uint64 `[values]`, ascending.
        numbers: int64 `[values]`, above 0.
    """

    values: NDArray[np.uint64]
    numbers: NDArray[np.int64]


@dataclass(frozen=True)
class Cutoff:
    """What is known of the last row that is kept.

    Args:
        digits: its first ones; all where it is found.
        left: rows to keep of those that begin so.
    """

    digits: tuple[int, ...]
    left: int

    @property
    def score(self) -> float:
        """Of the last row, once its first two digits are known."""
        return score_of(self.digits[0] << WIDTHS[1] | self.digits[1])


def digits_of(scores: Scores, keys: Sequence[str]) -> Digits:
    """Rows as digits; of better rows they are smaller, compared in order.

    Args:
        scores: finite.
        keys: one a score.
    """
    order = order_of(scores)
    digests = (blake2b(key.encode(), digest_size=8).digest() for key in keys)
    hashes = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
    low = np.uint64(WIDTHS[3])
    columns = [order >> np.uint64(16), order & np.uint64(0xFFFF)]
    columns += [hashes >> low, hashes & np.uint64((1 << WIDTHS[3]) - 1)]
    return np.stack(columns, axis=1) if len(order) else np.empty((0, len(WIDTHS)), np.uint64)


def order_of(scores: Scores) -> NDArray[np.uint64]:
    """Scores as 32 bits, those of a higher score smaller; -0 is 0."""
    bits = (np.asarray(scores, np.float32) + np.float32(0)).view(np.uint32)
    ascending = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return (~ascending).astype(np.uint64)


def score_of(order: int) -> float:
    """The score of 32 bits that `order_of` made."""
    ascending = ~np.uint32(order)
    bits = ascending & np.uint32((1 << 31) - 1) if ascending >> 31 else ~ascending
    return float(np.uint32(bits).view(np.float32))


def count(digits: Digits, cutoff: Cutoff | None) -> Counts:
    """How many of the rows that begin as the last one does have each value of the next digit.

    Args:
        digits: of rows.
        cutoff: what is known of the last row that is kept; None for nothing.
    """
    known = () if cutoff is None else cutoff.digits
    begins = np.all(digits[:, : len(known)] == np.array(known, np.uint64), axis=1)
    values, numbers = np.unique(digits[begins, len(known)], return_counts=True)
    return Counts(values, numbers.astype(np.int64))


def merge(parts: Sequence[Counts]) -> Counts:
    """The counts of all parts together; none of none."""
    together = np.concatenate([np.empty(0, np.uint64), *(part.values for part in parts)])
    numbers = np.concatenate([np.empty(0, np.int64), *(part.numbers for part in parts)])
    values, places = np.unique(together, return_inverse=True)
    totals = np.zeros(len(values), np.int64)
    np.add.at(totals, places, numbers)
    return Counts(values, totals)


def begin(counts: Counts, share: float) -> Cutoff | None:
    """The first digit of the last row that is kept, of a share of all rows; None of no rows.

    Args:
        counts: of the first digit, of all rows.
        share: above 0, at most 1; read as the decimal fraction that it is written as.
    """
    total = int(counts.numbers.sum())
    wanted = max(1, int(Fraction(repr(share)) * total))
    return advance(Cutoff((), wanted), counts) if total else None


def advance(cutoff: Cutoff, counts: Counts) -> Cutoff:
    """The same with one digit more.

    Args:
        cutoff: what is known so far.
        counts: of the next digit, among the rows that begin so.
    """
    upto = np.cumsum(counts.numbers)
    place = int(np.searchsorted(upto, cutoff.left))
    before = int(upto[place] - counts.numbers[place])
    return Cutoff((*cutoff.digits, int(counts.values[place])), cutoff.left - before)


def are_best(digits: Digits, cutoff: Cutoff) -> NDArray[np.bool_]:
    """Which rows are kept: the last one and all before it."""
    kept = np.zeros(len(digits), np.bool_)
    is_open = np.ones(len(digits), np.bool_)
    for column, last in zip(digits.T, cutoff.digits, strict=True):
        kept |= is_open & (column < last)
        is_open &= column == last
    return kept | is_open
