"""Keyed permutations: where an index goes in an order that no array holds."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]

# Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators": the increment
# of SplitMix64, and its mixer, which is Stafford's variant 13 of MurmurHash3's
_INCREMENT = 0x9E3779B97F4A7C15
_FACTORS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_SHIFTS = np.array([30, 27, 31], np.uint64)
# Chosen: with these, all orders of 2 to 129 things are as frequent as chance has them (60,000 keys,
# chi-square of pairs of places); with 4 rounds, or halves of 1 and 2 bits, they are not.
# Luby and Rackoff 1988 prove 4 rounds enough where the halves are long and their hash is random.
_ROUNDS = np.array([(n + 1) * _INCREMENT % 2**64 for n in range(6)], np.uint64)
_LEAST_BITS = 6


def key_of(*parts: int | str) -> np.uint64:
    """A key made of what it is for, such as a seed and an epoch; equal parts make equal keys."""
    words = ":".join(map(str, parts))
    return np.uint64(int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "little"))


def keys_of(key: np.uint64, numbers: Integers) -> _Words:
    """A key for each number, all made of one; uint64, of the shape of `numbers`."""
    return _mix(key + np.asarray(numbers).astype(np.uint64) * np.uint64(_INCREMENT))


def permute(indices: npt.ArrayLike, sizes: npt.ArrayLike, keys: npt.ArrayLike) -> Integers:
    """Where each index goes in the permutation of `[0, size)` that its key chooses.

    A Feistel network permutes the least power of two that holds the size. What lands beyond the
    size goes through it again until it does not, which keeps it a permutation; from 33 things on
    that takes less than two passes on average.

    Args:
        indices: integers, each in `[0, size)`.
        sizes: of the permutations, 1 to 2^53; broadcast against the indices, as are the keys.
        keys: uint64, as `key_of` makes them.

    Returns:
        int64, of the broadcast shape.

    Source: Black, Rogaway 2002, "Ciphers with arbitrary finite domains": cycle walking; Mitchell et
    al. 2022, "Bandwidth-optimal random shuffling for GPUs": halves that differ by a bit.
    """
    given = [np.asarray(values, np.uint64) for values in (indices, sizes, keys)]
    shape = np.broadcast_shapes(*(values.shape for values in given))
    places = np.array(np.broadcast_to(given[0], shape)).ravel()
    limits, tweaks = (_flat(values, shape) for values in given[1:])
    walking: Integers | slice = slice(None)
    while True:
        limit = _at(limits, walking)
        walked = _network(places[walking], _num_bits(limit), _at(tweaks, walking))
        places[walking] = walked
        is_beyond = walked >= limit
        if not is_beyond.any():
            return places.astype(np.int64).reshape(shape)
        rest = np.flatnonzero(is_beyond)
        walking = rest if isinstance(walking, slice) else walking[rest]


def _flat(values: _Words, shape: tuple[int, ...]) -> _Words:
    """One of each element, or one for all of them."""
    return values.reshape(1) if values.ndim == 0 else np.broadcast_to(values, shape).ravel()


def _at(values: _Words, places: Integers | slice) -> _Words:
    return values if values.size == 1 else values[places]


def _num_bits(sizes: _Words) -> _Words:
    return np.maximum(np.frexp((sizes - 1).astype(np.float64))[1], _LEAST_BITS).astype(np.uint64)


def _network(values: _Words, num_bits: _Words, keys: _Words) -> _Words:
    """Each round changes one half by a hash of the other, and could be undone by it."""
    shift = num_bits // 2
    low_mask, high_mask = (np.uint64(1) << bits for bits in (shift, num_bits - shift))
    low, high = values & (low_mask - 1), values >> shift
    for number, constant in enumerate(_ROUNDS):
        if number % 2:
            low ^= _mix(high + (keys + constant)) & (low_mask - 1)
        else:
            high ^= _mix(low + (keys + constant)) & (high_mask - 1)
    return (high << shift) | low


def _mix(words: _Words) -> _Words:
    """A hash of 64 bits to 64 bits, one to one."""
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        words = (words ^ (words >> shift)) * factor
    return np.asarray(words ^ (words >> _SHIFTS[-1]))
