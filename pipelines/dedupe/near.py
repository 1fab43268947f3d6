"""Pictures that look the same: resized, recompressed, converted.

A picture goes when a better-ranked one lies near it. "Better" is a total order and "near" looks at
two pictures only, so neither the order of the input nor the number of workers changes who stays.

Two pictures are near when their perceptual hashes differ in few bits, their aspects are equal but
for rounding, and no cell of their thumbnails differs much.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.signatures import Duplicate, Picture

REASON = "near_duplicate"
HASH_BITS = 64
MAX_ASPECT_CHANGE = 0.02  # relative; chosen: whole pixels at 64 px an edge change it by half of it

Band = tuple[int, int]


def bands(phash: int, num_bands: int) -> list[Band]:
    """The hash cut into parts of nearly equal width, as (number of the part, its bits).

    Two hashes that differ in fewer bits than there are parts agree in at least one part.
    """
    cuts = [HASH_BITS * band // num_bands for band in range(num_bands + 1)]
    return [
        (band, (phash >> low) & ((1 << (high - low)) - 1))
        for band, (low, high) in enumerate(pairwise(cuts))
    ]


def near_duplicates(
    bucket: Iterable[Picture], config: DedupeConfig
) -> Iterator[tuple[str, Duplicate]]:
    """Pictures of a bucket that have a better near one, each with the best such one.

    Args:
        bucket: pictures that agree in a band; any order.
        config: what is near; each picture is compared with the `bucket_cap` best ones only.
    """
    ranked = sorted(bucket, key=lambda picture: picture.rank)
    features = _Features.of(ranked)
    for place in range(1, len(ranked)):
        near = features.near(place, min(place, config.bucket_cap), config)
        if near is not None:
            better, hamming = near
            found = Duplicate(ranked[better].rank, REASON, hamming, config.max_hamming)
            yield ranked[place].image, found


@dataclass(frozen=True)
class _Features:
    """The pictures of a bucket as columns, best ranked first."""

    hashes: npt.NDArray[np.uint64]
    aspects: npt.NDArray[np.float64]
    cells: npt.NDArray[np.int16]

    @classmethod
    def of(cls, ranked: list[Picture]) -> Self:
        thumbnails = np.frombuffer(b"".join(p.thumbnail for p in ranked), np.uint8)
        return cls(
            hashes=np.array([p.phash for p in ranked], np.uint64),
            aspects=np.array([p.width / p.height for p in ranked], np.float64),
            cells=thumbnails.reshape(len(ranked), -1).astype(np.int16),
        )

    def near(self, place: int, end: int, config: DedupeConfig) -> tuple[int, float] | None:
        """The first of the `end` best that is near `place`, with the bits between the two."""
        distances = np.bitwise_count(self.hashes[:end] ^ self.hashes[place])
        change = np.abs(self.aspects[:end] - self.aspects[place]) / self.aspects[place]
        close = np.flatnonzero((distances <= config.max_hamming) & (change <= MAX_ASPECT_CHANGE))
        difference = np.abs(self.cells[close] - self.cells[place]).max(axis=1)
        alike = close[difference <= config.max_cell_difference]
        return (int(alike[0]), float(distances[alike[0]])) if len(alike) else None
