"""Tallies as dictionaries, and any way to spread things over shards."""

import numpy as np
from hypothesis import strategies as st

from pipelines.captions.corpus.tally import Tally

SHARDS = st.lists(st.lists(st.integers(0, 12)), max_size=6)


def hashes_of(numbers: list[int]) -> np.ndarray:
    """Small numbers spread over all 64 bits, 0 and the greatest included."""
    return np.array([number * (2**64 - 1) // 12 for number in numbers], np.uint64)


def as_dict(tally: Tally) -> dict[int, int]:
    assert tally.hashes.dtype == np.uint64
    assert tally.numbers.dtype == np.int64
    assert (np.diff(tally.hashes.astype(object)) > 0).all()
    return dict(zip(tally.hashes.tolist(), tally.numbers.tolist(), strict=True))


def tally_of(counts: dict[int, int]) -> Tally:
    hashes = sorted(counts)
    return Tally(np.array(hashes, np.uint64), np.array([counts[h] for h in hashes], np.int64))
