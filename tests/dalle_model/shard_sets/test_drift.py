"""Shards of one distribution are no alarm, though codes of an image go together; others are."""

import math

import numpy as np
import pytest

from dalle_model.shard_sets.drift import (
    BINS,
    GROUPS,
    bins_of,
    drifts,
    jensen_shannon,
)

NUM_CODES, LENGTH, IMAGES, SHARDS = 64, 32, 4096, 8


def image_codes(draw, images=IMAGES, tilt=0.0):
    """Codes of images, each of few codes of its own, as those of flat colours are."""
    own = draw.integers(0, NUM_CODES, (images, 4))
    shifted = np.where(draw.random((images, 4)) < tilt, own % 8, own)
    return shifted[np.arange(images)[:, None], draw.integers(0, 4, (images, LENGTH))]


def counts_of(codes, parts, number):
    """Codes of each part of the images, by bin."""
    places = codes + np.asarray(parts)[:, None] * BINS
    return np.bincount(places.reshape(-1), minlength=number * BINS).reshape(number, BINS)


def measured(codes, draw, shards=None):
    shards = np.arange(len(codes)) % SHARDS if shards is None else shards
    groups = draw.integers(0, GROUPS, len(codes))
    return drifts(counts_of(codes, shards, SHARDS), counts_of(codes, groups, GROUPS))


@pytest.fixture(scope="module")
def without_drift():
    return [measured(image_codes(draw := np.random.default_rng(seed)), draw) for seed in range(40)]


def test_shards_of_one_distribution_are_no_alarm(without_drift):
    """One of 1,000 sets is allowed to have one; of 40, even one is hardly by chance."""
    assert sum(any(one.is_alarm for one in found) for found in without_drift) == 0


def test_by_chance_the_ratio_is_one_on_average(without_drift):
    ratios = [one.ratio for found in without_drift for one in found]
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_codes_that_were_taken_as_independent_would_all_be_alarms(without_drift):
    """The mean of the distance is then that of chi-square; here images make it many times that."""
    draw = np.random.default_rng(0)
    codes = image_codes(draw)
    shards = counts_of(codes, np.arange(IMAGES) % SHARDS, SHARDS)
    total = shards.sum(axis=0)[:NUM_CODES]
    expected = total / SHARDS
    chi_square = ((shards[:, :NUM_CODES] - expected) ** 2 / expected).sum(axis=1)
    assert chi_square.min() > 3 * (NUM_CODES - 1)


@pytest.mark.parametrize("tilt", [0.1, 1.0])
def test_a_shard_of_another_distribution_is_an_alarm_and_no_other_is(tilt):
    draw = np.random.default_rng(3)
    codes = image_codes(draw)
    shards = np.arange(IMAGES) % SHARDS
    codes[shards == 5] = image_codes(draw, int((shards == 5).sum()), tilt)
    found = measured(codes, draw, shards)
    assert [one.is_alarm for one in found] == [number == 5 for number in range(SHARDS)]
    assert max(range(SHARDS), key=lambda number: found[number].divergence) == 5


def test_shards_without_rows_and_a_single_shard_have_no_drift():
    draw = np.random.default_rng(0)
    codes = image_codes(draw)
    found = measured(codes, draw, np.arange(IMAGES) % 2)
    assert [one is None for one in found] == [False, False] + [True] * 6
    assert measured(codes, draw, np.zeros(IMAGES, int)) == [None] * SHARDS


def test_the_divergence_is_that_of_the_formula():
    assert jensen_shannon(np.array([1, 0]), np.array([0, 5])) == pytest.approx(1)
    assert jensen_shannon(np.array([2, 2]), np.array([5, 5])) == 0
    one, other = np.array([1, 3]), np.array([1, 1])
    h = lambda p: -sum(x * math.log2(x) for x in p if x)  # noqa: E731
    expected = h([0.375, 0.625]) - (h([0.25, 0.75]) + h([0.5, 0.5])) / 2
    assert jensen_shannon(one, other) == pytest.approx(expected)


def test_each_code_has_a_bin_of_its_own_where_there_are_enough():
    codes = np.arange(512, dtype=np.uint16).reshape(1, 256, 2)
    assert len(np.unique(bins_of(codes, 512))) == 512
    many = bins_of(np.arange(1 << 18, dtype=np.uint32).reshape(1, -1, 1), 1 << 18)
    loads = np.bincount(many.reshape(-1), minlength=BINS)
    assert (loads.min(), loads.max()) == (pytest.approx(256, abs=2), pytest.approx(256, abs=2))


def test_two_shards_that_differ_are_both_alarms_and_half_of_them_are_those_left_out():
    draw = np.random.default_rng(3)
    codes, shards = image_codes(draw), np.arange(IMAGES) % SHARDS
    two = shards % 2
    codes[two == 1] = image_codes(draw, IMAGES // 2, 1.0)
    assert [one.is_alarm for one in measured(codes, draw, two)[:2]] == [True, True]
    codes = image_codes(draw)
    codes[shards < 3] = image_codes(draw, int((shards < 3).sum()), 1.0)
    found = measured(codes, draw, shards)
    assert [one.is_alarm for one in found] == [True] * 3 + [False] * 5
