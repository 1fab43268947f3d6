import itertools
import math

import numpy as np
import pytest

from dalle_model.data.permutation import key_of, keys_of, permute
from tests.support.chance import deviation

SIZES = [*range(1, 70), 127, 128, 129, 1000, 4095, 4096, 4097, 65_537]
MOST = 5  # standard deviations; all keys are fixed, so each test passes always or never


@pytest.mark.parametrize("size", SIZES)
def test_it_is_a_permutation(size):
    for seed in range(3):
        found = permute(np.arange(size), size, key_of(seed))
        assert sorted(found.tolist()) == list(range(size))


def test_large_sizes_are_walked_by_part_and_have_no_equal_places():
    indices = np.random.default_rng(0).choice(2**53 - 1, 10_000, replace=False)
    found = permute(indices, 2**53 - 1, key_of("large"))
    assert len(set(found.tolist())) == len(indices)
    assert 0 <= found.min() < found.max() < 2**53 - 1


def test_each_index_may_have_a_size_and_a_key_of_its_own():
    sizes = np.array([1, 2, 3, 100, 5000])
    keys = keys_of(key_of("own"), np.arange(5))
    together = permute([[0], [0]], sizes, keys)
    alone = [permute([0], size, key)[0] for size, key in zip(sizes, keys, strict=True)]
    assert together.tolist() == [alone, alone]


def test_orders_are_those_of_all_time():
    """A run that is taken up again years later goes on in its own order."""
    assert int(key_of("full", 1, 2)) == 15779532810030326939
    assert permute(np.arange(8), 10_000_000, key_of("full", 1, 2)).tolist() == [
        2906423,
        1426245,
        5452244,
        3589243,
        5160820,
        2426930,
        3506460,
        4385445,
    ]
    assert permute(np.arange(10), 10, key_of("full", 1, 2)).tolist() == [
        7,
        3,
        1,
        8,
        9,
        4,
        6,
        2,
        0,
        5,
    ]


@pytest.mark.parametrize("size", [2, 3, 5, 8, 13, 16, 31])
def test_every_pair_of_places_is_as_frequent_as_chance_has_it(size):
    num_keys, shown = 20_000, min(size, 4)
    keys = keys_of(key_of("pairs", size), np.arange(num_keys))[:, None]
    found = permute(np.arange(shown), np.full(shown, size), keys)
    for one, other in itertools.combinations(range(shown), 2):
        counts = np.bincount(found[:, one] * size + found[:, other], minlength=size**2)
        is_possible = ~np.eye(size, dtype=bool).ravel()
        assert counts[~is_possible].sum() == 0
        assert deviation(counts[is_possible]) < MOST


@pytest.mark.parametrize("size", [1000, 65_536, 1_000_003])
def test_neighbours_land_anywhere_and_places_keep_no_trace(size):
    count = min(size, 100_000)
    found = permute(np.arange(count), size, key_of("near", size))
    distances = (found[1:] - found[:-1]) % size * 50 // size
    assert deviation(np.bincount(distances, minlength=50)) < MOST
    if size > count:  # else every place is there once
        assert deviation(np.bincount(found * 50 // size, minlength=50)) < MOST
    assert abs(np.corrcoef(np.arange(count), found)[0, 1]) < MOST / math.sqrt(count)


def test_keys_that_differ_little_give_orders_that_share_nothing():
    orders = [permute(np.arange(1000), 1000, key_of(seed, 0)) for seed in range(50)]
    agreeing = [(one == other).sum() for one, other in itertools.combinations(orders, 2)]
    counts = np.bincount(np.minimum(agreeing, 3), minlength=4)
    # of a random permutation, 1/e, 1/e, 1/2e leave 0, 1, 2 things in their places
    shares = np.array([1, 1, 0.5, math.e - 2.5]) / math.e
    assert deviation(counts, shares * len(agreeing)) < MOST
