import numpy as np

from pipelines.dedupe.exact import EXACT_DTYPE, by_pixels, merge_equal, reduce_equal
from pipelines.dedupe.keys import Records


def images(*rows: tuple[int, int, int]) -> Records:
    """Images as (pixel hash, image, area)."""
    made = np.zeros(len(rows), EXACT_DTYPE)
    for number, (pixels, image, area) in enumerate(rows):
        made[number] = ((pixels, 7), image, 0, area, 0)
    return made


def test_the_best_of_equal_images_is_kept_in_any_order() -> None:
    group = images((5, 3, 10), (5, 1, 10), (5, 2, 10), (6, 4, 1))
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        best, verdicts = reduce_equal(group[order])
        assert best["high"].tolist() == [1, 4]
        assert sorted(verdicts["high"].tolist()) == [2, 3]
        assert set(verdicts["better_high"].tolist()) == {1}
        assert set(verdicts["kind"].tolist()) == {0}


def test_all_128_bits_are_compared() -> None:
    group = images((5, 1, 10), (5, 2, 10))
    group["pixels"][1, 1] = 8
    assert len(reduce_equal(group)[0]) == 2


def test_parts_hold_every_image_once() -> None:
    group = images(*[(pixels, pixels, 1) for pixels in range(50)])
    parts = dict(by_pixels(group, 7))
    assert sorted(n for part in parts.values() for n in part["high"].tolist()) == list(range(50))
    for number, part in parts.items():
        assert set((part["pixels"][:, 0] % 7).tolist()) == {number}


def test_verdicts_go_to_the_shards_of_the_worse_images() -> None:
    parts = [images((5, 4, 10)), images((5, 3, 20), (6, 9, 1)), images((5, 8, 5))]
    for order in (parts, parts[::-1]):
        left, verdicts = merge_equal(order, 4, own=0)
        found = dict(verdicts)
        assert left == 2
        assert set(found) == {0}
        assert sorted(found[0].dropped["high"].tolist()) == [4, 8]
        assert set(found[0].dropped["better_high"].tolist()) == {3}


def test_300_000_rows_that_share_one_image_are_one_image_a_shard() -> None:
    shards = []
    for shard in range(30):
        rows = np.zeros(10_000, EXACT_DTYPE)
        rows["high"], rows["area"] = np.arange(10_000) * 30 + shard, 100
        best, verdicts = reduce_equal(rows)
        assert (len(best), len(verdicts)) == (1, 9_999)
        shards.append(best)
    dropped = [v.dropped for _, v in merge_equal(shards, 30, own=0)[1]]
    assert sum(map(len, dropped)) == 29
    assert {int(n) for part in dropped for n in part["better_high"]} == {0}
