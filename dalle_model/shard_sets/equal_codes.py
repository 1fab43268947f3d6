"""Images whose tokens are all equal, found among any number of rows with bounded memory.

Rows are told by a hash of their codes. Where there are too many, only hashes below a limit are
kept, which is halved as often as it must be: equal rows have equal hashes, so that of a part of the
token space all rows are kept, and their number, times two for each halving, is that of all.
Source: Gibbons and Tirthapura 2001, "Estimating simple functions on the union of data streams".
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_HELD = 1 << 22  # rows; chosen: 64 MiB, exact up to them
_SEED = 14  # of the weights; any
_BLOCK_ROWS = 1024  # chosen: their codes as uint64 take 8 MiB of 1,024
# Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", mix of
# SplitMix64 by Stafford's variant 13.
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Copies:
    """Images whose codes are those of another.

    Args:
        images: beyond the first of each group with equal codes; an estimate where not all rows
            were compared.
        share: of the token space whose rows were compared; 1 where all were.
        largest: images with one row of codes, the most that there are; 1 where no two are equal.
        largest_hash: of those codes.
    """

    images: int
    share: float
    largest: int
    largest_hash: int


class EqualCodes:
    """Hashes of rows and of the images that they are of."""

    def __init__(self) -> None:
        self._halvings = 0
        self._held: list[Hashes] = []  # uint64 [2, rows]: of codes, of images
        self._rows = 0

    def add(self, codes: Hashes, images: Hashes) -> None:
        """Note some rows.

        Args:
            codes: `code_hashes` of them.
            images: `image_hashes` of them.
        """
        self._hold(np.stack([codes, images]))

    def merge(self, other: "EqualCodes") -> None:
        """Note all rows that another has noted."""
        self._halvings = max(self._halvings, other._halvings)
        for part in other._held:
            self._hold(part)

    def copies(self) -> Copies:
        """Count images of equal codes."""
        self._compact()
        if not self._rows:
            return Copies(0, 0.5**self._halvings, 0, 0)
        (pairs,) = self._held
        starts = np.flatnonzero(np.diff(pairs[0], prepend=pairs[0][:1] + np.uint64(1)))
        counts = np.diff(starts, append=self._rows)
        most = int(np.argmax(counts))
        return Copies(
            images=int((counts - 1).sum()) << self._halvings,
            share=0.5**self._halvings,
            largest=int(counts[most]),
            largest_hash=int(pairs[0][starts[most]]),
        )

    def images_held(self) -> int:
        """Distinct images among the rows held: of all, or of a part where there are very many."""
        self._compact()
        return len(np.unique(self._held[0][1])) if self._held else 0

    def _hold(self, pairs: Hashes) -> None:
        kept = self._below_limit(pairs)
        self._held.append(kept)
        self._rows += kept.shape[1]
        if self._rows <= MAX_HELD:
            return
        self._compact()
        while self._rows > MAX_HELD // 2:  # else it would be sorted again after every few rows
            self._halvings += 1
            self._held = [self._below_limit(part) for part in self._held]
            self._rows = sum(part.shape[1] for part in self._held)

    def _below_limit(self, pairs: Hashes) -> Hashes:
        highest = np.uint64((1 << (64 - self._halvings)) - 1)
        return np.asarray(pairs[:, pairs[0] <= highest])

    def _compact(self) -> None:
        """Sort, and keep each image once for each row of codes: it has several captions."""
        if not self._held:
            return
        pairs = np.concatenate(self._held, axis=1)
        pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
        is_new = np.ones(pairs.shape[1], np.bool_)
        is_new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        self._held = [pairs[:, is_new]]
        self._rows = self._held[0].shape[1]


def code_hashes(codes: npt.NDArray[np.unsignedinteger]) -> Hashes:
    """A hash of each row of codes, uint64 `[rows]`, of codes `[rows, length]`.

    Source: multilinear hashing, Lemire and Kaser 2014, "Strongly universal string hashing is fast".
    """
    weights = np.random.default_rng(_SEED).integers(0, 1 << 64, codes.shape[1] + 1, np.uint64)
    weights |= np.uint64(1)
    blocks = [codes[at : at + _BLOCK_ROWS] for at in range(0, len(codes), _BLOCK_ROWS)]
    sums = [block.astype(np.uint64) @ weights[1:] for block in blocks]
    return _mixed(np.concatenate([np.zeros(0, np.uint64), *sums]) + weights[0])


def image_hashes(keys: npt.NDArray[np.bytes_]) -> Hashes:
    """A hash of each text, uint64 `[rows]`, of texts of one length at most."""
    width = keys.dtype.itemsize
    letters = np.ascontiguousarray(keys).view(np.uint8).reshape(len(keys), width)
    return code_hashes(letters)


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return np.asarray(values ^ (values >> np.uint64(31)))
