"""Codes are counted as a slow loop does, and entropies are those of the formula."""

import math
from collections import Counter

import numpy as np
import pytest

from dalle_model.shard_sets import code_counts as module
from dalle_model.shard_sets.code_counts import PositionCounts, code_counts, entropies, use_of


def entropy_of(values) -> float:
    counts = Counter(values).values()
    return -sum(n / sum(counts) * math.log2(n / sum(counts)) for n in counts)


def some_codes(rows=50, positions=6, books=2, num_codes=9, seed=0):
    draw = np.random.default_rng(seed)
    return draw.zipf(1.5, (rows, positions, books)).astype(np.uint16) % num_codes


def test_each_codebook_is_counted_by_itself():
    codes = some_codes()
    counts = code_counts(codes, 12)
    for book in range(2):
        expected = Counter(codes[:, :, book].reshape(-1).tolist())
        assert counts[book].tolist() == [expected[code] for code in range(12)]


def test_use_is_what_the_counts_say():
    use = use_of(np.array([4, 4, 0, 4, 4]))
    assert (use.num_codes, use.used, use.dead) == (5, 4, 1)
    assert use.entropy == pytest.approx(2)
    assert use.perplexity == pytest.approx(4)
    nothing = use_of(np.zeros(5, np.int64))
    assert (nothing.used, nothing.entropy, nothing.perplexity) == (0, 0, 1)


def test_entropy_of_one_code_is_zero_and_never_below():
    assert entropies(np.array([[7, 0], [0, 3], [1, 1]])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("rows", [3, 500])
def test_entropy_by_position_is_that_of_each(rows):
    codes = some_codes(rows)
    counts = PositionCounts(6, 2, 9)
    for part in np.array_split(codes, 3):
        counts.add(part)
    expected = [
        sum(entropy_of(codes[:, place, book].tolist()) for book in range(2)) for place in range(6)
    ]
    assert counts.groups == 9
    assert counts.entropies() == pytest.approx(expected)


def test_of_very_many_codes_groups_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MAX_CELLS", 6 * 4)
    codes = some_codes(200, books=1)
    counts = PositionCounts(6, 1, 9)
    counts.add(codes)
    assert counts.groups == 4
    expected = [entropy_of((codes[:, place, 0] % 4).tolist()) for place in range(6)]
    assert counts.entropies() == pytest.approx(expected)


def test_counters_are_bounded_by_what_is_said():
    assert PositionCounts(1024, 1, 8192).groups == 8192
    assert PositionCounts(1024, 1, 1 << 18).groups == 8192
    assert PositionCounts(1024, 4, 1 << 18).groups == 2048
