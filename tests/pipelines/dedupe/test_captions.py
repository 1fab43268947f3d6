from itertools import permutations

import numpy as np
import pyarrow as pa

from pipelines.dedupe.captions import (
    by_text,
    count_uses,
    find_overused,
    hash_captions,
    merge_uses,
)
from pipelines.dedupe.keys import PAIR_DTYPE, Records, shards_of

Pair = tuple[int, int, str]  # image, number of the pair, caption


def parsed(pairs: list[Pair]) -> tuple[Records, Records]:
    keys = np.array([(image, 0, number) for image, number, _ in pairs], PAIR_DTYPE)
    return hash_captions(pa.chunked_array([[text for _, _, text in pairs]], pa.string())), keys


def capped(
    pairs: list[Pair], max_images: int, num_shards: int, num_parts: int = 2
) -> dict[Pair, tuple[float, int]]:
    """The pairs dropped, with the number of images and the image of the first pair."""
    parts: dict[int, list[Records]] = {}
    shards = [[p for p in pairs if p[0] % num_shards == index] for index in range(num_shards)]
    for shard in shards:
        texts, keys = parsed(shard)
        for part, uses in by_text(count_uses(texts, keys, max_images), num_parts):
            parts.setdefault(part, []).append(uses)
    found: dict[Pair, tuple[float, int]] = {}
    overused: dict[int, list[Records]] = {}
    for group in parts.values():
        for index, many in merge_uses(group[::-1], max_images, num_shards):
            overused.setdefault(index, []).append(many.captions)
    for index, of_shard in overused.items():
        texts, keys = parsed(shards[index])
        together = np.concatenate(of_shard)
        for pair, place in zip(shards[index], find_overused(texts, keys, together), strict=True):
            if place >= 0:
                found[pair] = (float(together[place]["images"]), int(together[place]["high"]))
    return found


def capped_slowly(pairs: list[Pair], max_images: int) -> dict[Pair, tuple[float, int]]:
    found = {}
    for text in {caption.lower() for _, _, caption in pairs}:
        group = sorted(p for p in pairs if p[2].lower() == text)
        images = sorted({image for image, _, _ in group})
        for pair in group:
            if pair[0] not in images[:max_images]:
                found[pair] = (float(len(images)), group[0][0])
    return found


def test_the_first_images_by_key_are_kept_in_any_order() -> None:
    group = [(image, 0, "a dog") for image in range(1, 5)]
    for order in permutations(group):
        assert set(capped(list(order), 2, 1)) == set(group[2:])


def test_images_are_counted_not_pairs() -> None:
    group = [(1, 1, "a dog"), (1, 2, "a dog"), (2, 1, "A  DOG")]
    assert capped(group, 2, 1) == {}
    assert set(capped(group, 1, 1)) == {(2, 1, "A  DOG")}


def test_images_without_a_caption_share_none() -> None:
    pairs = [(image, 0, "") for image in range(1, 5)] + [(5, 0, "a dog"), (6, 0, "A dog")]
    assert set(capped(pairs, 1, 2)) == {(6, 0, "A dog")}


def test_shards_and_parts_change_nothing() -> None:
    chance = np.random.default_rng(1)
    names = ["one", "two", "Two", "three", "four"]
    drawn = {
        (int(i), int(n), names[int(t)]) for i, n, t in chance.integers(0, [60, 3, 5], (150, 3))
    }
    pairs = [(i, n * 10 + names.index(t), t) for i, n, t in sorted(drawn)]
    expected = capped_slowly(pairs, 4)
    assert len(expected) > 50
    for num_shards, num_parts in ((1, 1), (3, 2), (7, 5)):
        order = [pairs[n] for n in chance.permutation(len(pairs))]
        assert capped(order, 4, num_shards, num_parts) == expected


def test_300_000_rows_that_share_one_caption_are_few_uses() -> None:
    text = hash_captions(pa.chunked_array([["a dog"]]))
    parts = []
    for shard in range(30):
        pairs = np.zeros(10_000, PAIR_DTYPE)
        pairs["high"] = np.arange(10_000) * 30 + shard
        uses = count_uses(np.repeat(text, 10_000), pairs, 10)
        assert (len(uses), uses["images"].sum()) == (10, 10_000)
        parts.append(uses)
    found = dict(merge_uses(parts, 10, 30))
    assert sorted(found) == list(range(30))
    assert {int(many.captions["images"][0]) for many in found.values()} == {300_000}
    assert {int(many.captions["last_high"][0]) for many in found.values()} == {9}


def test_clusters_of_one_caption_among_20_000_rows_are_reported() -> None:
    """Of 20,000 rows, clusters of 0.01 to 0.1 % are given one caption each."""
    pairs = [(image, 0, f"caption {image}") for image in range(20_000)]
    planted = set()
    start = 0
    for size in (20, 16, 12, 8, 4, 2):
        for image in range(start, start + size * 37, 37):
            pairs[image] = (image, 0, f"the caption of {size}")
            planted.add(pairs[image])
        start += 1000
    dropped = capped(pairs, 1, 4)
    assert set(dropped) <= planted
    reported = {text for _, _, text in dropped}
    assert len({p for p in planted if p[2] in reported}) == len(planted)


def test_shards_of_a_caption_are_found_by_its_images() -> None:
    texts, keys = parsed([(3, 0, "a"), (5, 0, "a")])
    uses = count_uses(texts, keys, 1)
    assert shards_of(uses, 4).tolist() == [3]
