"""Images that look the same: resized, recompressed, converted.

An image is dropped when a better-ranked one is near it. "Better" is a total order and "near"
depends on two images only, so neither the order of the input nor the number of workers changes
which images are kept.

Two images are near when their perceptual hashes differ in few bits, their aspect ratios are equal
up to rounding, and no cell of their thumbnails differs much.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.signatures import Duplicate, ImageSignature

REASON = "near_duplicate"
HASH_BITS = 64
MAX_ASPECT_CHANGE = (
    0.02  # relative; chosen: twice what rounding to whole pixels changes at 64 px an edge
)

Band = tuple[int, int]


def bands(phash: int, num_bands: int) -> list[Band]:
    """The hash cut into parts of nearly equal width, as (part number, its bits).

    Two hashes that differ in fewer bits than there are parts agree in at least one part.
    """
    cuts = [HASH_BITS * band // num_bands for band in range(num_bands + 1)]
    return [
        (band, (phash >> low) & ((1 << (high - low)) - 1))
        for band, (low, high) in enumerate(pairwise(cuts))
    ]


def near_duplicates(
    bucket: Iterable[ImageSignature], config: DedupeConfig
) -> Iterator[tuple[str, Duplicate]]:
    """Images of a bucket that have a better one near them, each with the best such one.

    Args:
        bucket: images that agree in a band; any order.
        config: what is near; each image is compared with the `bucket_cap` best ones only.
    """
    ranked = sorted(bucket, key=lambda signature: signature.rank)
    features = _Features.of(ranked)
    for index in range(1, len(ranked)):
        near = features.near(index, min(index, config.bucket_cap), config)
        if near is not None:
            better, hamming = near
            found = Duplicate(ranked[better].rank, REASON, hamming, config.max_hamming)
            yield ranked[index].image_key, found


@dataclass(frozen=True)
class _Features:
    """The images of a bucket as columns, best-ranked first."""

    hashes: npt.NDArray[np.uint64]
    aspects: npt.NDArray[np.float64]
    cells: npt.NDArray[np.int16]

    @classmethod
    def of(cls, ranked: list[ImageSignature]) -> Self:
        thumbnails = np.frombuffer(b"".join(s.thumbnail for s in ranked), np.uint8)
        return cls(
            hashes=np.array([s.phash for s in ranked], np.uint64),
            aspects=np.array([s.width / s.height for s in ranked], np.float64),
            cells=thumbnails.reshape(len(ranked), -1).astype(np.int16),
        )

    def near(self, index: int, end: int, config: DedupeConfig) -> tuple[int, float] | None:
        """The first of the `end` best images near that of `index`, with the bits that differ."""
        distances = np.bitwise_count(self.hashes[:end] ^ self.hashes[index])
        change = np.abs(self.aspects[:end] - self.aspects[index]) / self.aspects[index]
        close = np.flatnonzero((distances <= config.max_hamming) & (change <= MAX_ASPECT_CHANGE))
        difference = np.abs(self.cells[close] - self.cells[index]).max(axis=1)
        alike = close[difference <= config.max_cell_difference]
        return (int(alike[0]), float(distances[alike[0]])) if len(alike) else None
