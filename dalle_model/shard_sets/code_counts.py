"""How often codes occur: which are in use, and how evenly, in all and by position."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Counters by position; chosen: 64 MiB, so that 1,024 positions of 8,192 codes each have their own.
MAX_CELLS = 1 << 23

Codes = npt.NDArray[np.unsignedinteger]  # [rows, positions, codebooks]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CodeUse:
    """How the codes of one codebook are used.

    Args:
        num_codes: of the codebook.
        used: of them, those that occur.
        entropy: of their frequencies in bits, 0..log2(`num_codes`); 0 where there are none.
    """

    num_codes: int
    used: int
    entropy: float

    @property
    def dead(self) -> int:
        """Codes that do not occur."""
        return self.num_codes - self.used

    @property
    def perplexity(self) -> float:
        """The number of codes that, equally frequent, would have this entropy."""
        return 2**self.entropy


def code_counts(codes: Codes, num_codes: int) -> Counts:
    """How often each code of each codebook occurs, int64 `[codebooks, num_codes]`."""
    books = (codes[:, :, book].reshape(-1) for book in range(codes.shape[2]))
    return np.stack([np.bincount(book, minlength=num_codes)[:num_codes] for book in books])


def use_of(counts: Counts) -> CodeUse:
    """The use of a codebook, from how often each of its codes occurs."""
    return CodeUse(len(counts), int(np.count_nonzero(counts)), float(entropies(counts[None])[0]))


def entropies(counts: Counts) -> npt.NDArray[np.float64]:
    """The entropy of each row of counts, in bits; 0 of a row without any."""
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / totals
    logs = np.log2(shares, out=np.zeros_like(shares), where=counts > 0)
    return np.asarray(np.maximum(-(shares * logs).sum(axis=1), 0.0))


class PositionCounts:
    """How often codes occur at each position, in no more than `MAX_CELLS` counters.

    Where there are more codes than fit, several share a counter, and entropies are those of such
    groups.

    Args:
        positions: of an image.
        codebooks: at each.
        num_codes: of each.
    """

    def __init__(self, positions: int, codebooks: int, num_codes: int) -> None:
        most = max(2, MAX_CELLS // (positions * codebooks))
        self.groups = min(num_codes, 1 << (most.bit_length() - 1))
        self._places = positions * codebooks
        self._codebooks = codebooks
        self._counts = np.zeros(self._places * self.groups, np.int64)

    def add(self, codes: Codes) -> None:
        """Count the codes of some rows."""
        flat = codes.reshape(len(codes), self._places).astype(np.int64) % self.groups
        flat += np.arange(self._places) * self.groups
        if flat.size * 4 > self._counts.size:
            self._counts += np.bincount(flat.reshape(-1), minlength=self._counts.size)
        else:
            np.add.at(self._counts, flat.reshape(-1), 1)

    def entropies(self) -> npt.NDArray[np.float64]:
        """In bits, float64 `[positions]`: those of all codebooks at a position together."""
        counts = self._counts.reshape(self._places, self.groups)
        parts = np.array_split(counts, math.ceil(counts.size / (1 << 20)))  # few shares at a time
        found = np.concatenate([entropies(part) for part in parts])
        return np.asarray(found.reshape(-1, self._codebooks).sum(axis=1))
