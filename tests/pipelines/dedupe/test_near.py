import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.near import MAX_ASPECT_CHANGE, bands, near_duplicates
from pipelines.dedupe.signatures import Duplicate, ImageSignature, Rank
from tests.support.signatures import crowd, signature

CONFIG = DedupeConfig()
HASHES = st.integers(0, 2**64 - 1)


@given(HASHES, st.integers(1, 64))
def test_bands_hold_every_bit_once(phash, num_bands) -> None:
    shift, joined = 0, 0
    for band, bits in bands(phash, num_bands):
        joined |= bits << shift
        shift = 64 * (band + 1) // num_bands
    assert (joined, shift) == (phash, 64)


@given(HASHES, st.integers(1, 64), st.randoms(use_true_random=False))
def test_hashes_that_differ_in_fewer_bits_than_bands_meet(phash, num_bands, chance) -> None:
    other = phash
    for bit in chance.sample(range(64), chance.randrange(num_bands)):
        other ^= 1 << bit
    assert set(bands(phash, num_bands)) & set(bands(other, num_bands))


def by_bands(signatures: list[ImageSignature], config: DedupeConfig) -> dict[str, Duplicate]:
    """The best reason for each duplicate, as the stage joins them."""
    buckets = defaultdict(list)
    for member in signatures:
        for band in bands(member.phash, config.num_bands):
            buckets[band].append(member)
    found = defaultdict(list)
    for bucket in buckets.values():
        for image_key, duplicate in near_duplicates(bucket, config):
            found[image_key].append(duplicate)
    return {image_key: min(duplicates) for image_key, duplicates in found.items()}


def by_brute_force(
    signatures: list[ImageSignature], config: DedupeConfig
) -> dict[str, tuple[Rank, float]]:
    """The definition: a better image within all three limits; the best such one."""

    def is_near(a: ImageSignature, b: ImageSignature) -> bool:
        cells = np.frombuffer(a.thumbnail, np.uint8), np.frombuffer(b.thumbnail, np.uint8)
        return bool(
            (a.phash ^ b.phash).bit_count() <= config.max_hamming
            and abs(a.width / a.height - b.width / b.height)
            <= MAX_ASPECT_CHANGE * (b.width / b.height)
            and np.abs(cells[0].astype(int) - cells[1]).max() <= config.max_cell_difference
        )

    found: dict[str, tuple[Rank, float]] = {}
    for member in signatures:
        better = [s for s in signatures if s.rank < member.rank and is_near(s, member)]
        if better:
            first = min(better, key=lambda s: s.rank)
            found[member.image_key] = (first.rank, (first.phash ^ member.phash).bit_count())
    return found


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("max_hamming", "num_bands"), [(0, 1), (3, 4), (7, 8), (7, 12)])
def test_bands_find_what_brute_force_finds(seed, max_hamming, num_bands) -> None:
    config = DedupeConfig(max_hamming=max_hamming, num_bands=num_bands)
    signatures = crowd(80, seed)
    found = {k: (d.better, d.hamming) for k, d in by_bands(signatures, config).items()}
    assert found == by_brute_force(signatures, config)
    if max_hamming == 7:
        assert 0 < len(found) < 80


@pytest.mark.parametrize("bucket_cap", [3, 2000])
def test_the_order_of_the_images_changes_nothing(bucket_cap) -> None:
    config = DedupeConfig(bucket_cap=bucket_cap)
    signatures = crowd(80, 5)
    expected = by_bands(signatures, config)
    random.Random(1).shuffle(signatures)
    assert by_bands(signatures, config) == expected


def test_a_full_bucket_is_compared_with_its_best_only() -> None:
    far, near = signature("a", phash=0xFF00, width=200, height=200), signature("b", phash=1)
    late = signature("c", phash=1)
    config = DedupeConfig(bucket_cap=1)
    assert dict(near_duplicates([late, near, far], config)) == {}
    assert set(dict(near_duplicates([late, near, far], DedupeConfig()))) == {"c"}


@pytest.mark.parametrize(
    ("other", "is_near"),
    [
        (signature("b", phash=0x7F), True),
        (signature("b", phash=0xFF), False),
        (signature("b", grey=16), True),
        (signature("b", grey=17), False),
        (signature("b", width=99), True),
        (signature("b", width=97), False),
    ],
)
def test_each_limit_counts(other, is_near) -> None:
    found = dict(near_duplicates([signature("a"), other], CONFIG))
    assert set(found) == ({"b"} if is_near else set())


def test_a_duplicate_reports_distance_and_limit() -> None:
    found = dict(near_duplicates([signature("a"), signature("b", phash=0b101)], CONFIG))["b"]
    assert (found.reason, found.hamming, found.max_hamming) == ("near_duplicate", 2.0, 7)
    assert found.better[1] == "a"
