import numpy as np
import pytest

from pipelines.dedupe import near
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.keys import Records
from pipelines.dedupe.near import CANDIDATES, _BestPairs, keep_best
from tests.support.views import crowd, found_near, near_by_brute_force, view

CONFIG = DedupeConfig()


def pairs(found: Records) -> set[tuple[int, int]]:
    return {*zip(found["high"].tolist(), found["better_high"].tolist(), strict=True)}


@pytest.mark.parametrize("seed", range(5))
def test_tables_find_what_brute_force_finds_and_no_more(seed) -> None:
    views = crowd(80, seed)
    expected = near_by_brute_force(views, CONFIG)
    found = found_near([views], 30, CONFIG)
    assert pairs(found) <= expected
    assert len(expected) > 20
    with_any = {image for image, _ in expected}
    assert len({image for image, _ in pairs(found)}) >= 0.97 * len(with_any)


def test_order_and_shards_change_nothing() -> None:
    views = crowd(200, 5)
    expected = found_near([views], 8, CONFIG)
    order = np.random.default_rng(1).permutation(200)
    parts = np.array_split(views[order], 7)
    assert (found_near(parts, 8, CONFIG) == expected).all()


@pytest.mark.parametrize(
    ("other", "is_near"),
    [
        (view(2, phash=(1 << 20) - 1), True),
        (view(2, phash=(1 << 21) - 1), False),
        (view(2, aspect=8), True),
        (view(2, aspect=9), False),
        (view(2, values=1, reach=2), True),
        (view(2, values=1, reach=1), False),
    ],
)
def test_each_limit_counts(other, is_near) -> None:
    found = found_near([np.concatenate([view(1), other])], 40, CONFIG)
    assert pairs(found) == ({(2, 1)} if is_near else set())


def test_views_of_one_image_are_not_compared() -> None:
    views = np.concatenate([view(1), view(1, number=1)])
    assert len(found_near([views], 8, CONFIG)) == 0


def test_of_equal_pixels_the_best_image_alone_is_compared() -> None:
    twin = view(1, area=1)
    twin["high"] = 3
    found = found_near([np.concatenate([twin, view(1), view(2, area=5)])], 8, CONFIG)
    assert pairs(found) == {(2, 1)}


def test_a_candidate_reports_views_and_distance() -> None:
    views = np.concatenate([view(1, number=1), view(2, phash=0b101)])
    found = found_near([views], 8, CONFIG)[0]
    assert (found["view"], found["better_view"], found["hamming"]) == (0, 1, 2)


def test_the_best_and_the_nearest_candidates_are_kept() -> None:
    views = [view(n, area=1000 - n, phash=(1 << (n % 16)) - 1) for n in range(100)]
    found = found_near([np.concatenate(views)], 8, CONFIG)
    last = found[found["high"] == 99]
    assert last["better_high"][:CANDIDATES].tolist() == list(range(CANDIDATES))
    assert len(last) <= 2 * CANDIDATES
    assert 0 in last["hamming"]
    assert (keep_best(found) == found).all()


def test_30_000_copies_of_one_picture_are_compared_with_few() -> None:
    views = np.repeat(view(0), 30_000)
    views["high"] = views["pixels"] = np.arange(30_000)
    found = found_near([views], 1, CONFIG)
    assert len({*found["high"].tolist()}) == 29_999
    assert len(found) <= 30_000 * 2 * CANDIDATES


def hot(count: int, seed: int) -> Records:
    """Copies of one picture, of two views each, with near hashes."""
    chance = np.random.default_rng(seed)
    number = chance.permutation(2 * count)
    views = np.repeat(view(0), 2 * count)
    views["high"], views["view"] = number // 2, number % 2
    views["pixels"] = views["high"]
    views["area"], views["phash"] = 1 + views["high"] % 3, chance.integers(0, 1 << 10, 2 * count)
    return views


@pytest.mark.parametrize("seed", range(3))
def test_how_many_pairs_are_held_at_a_time_changes_nothing(seed, monkeypatch) -> None:
    for views in (hot(200, seed), crowd(150, seed)):
        expected = found_near([views], 4, CONFIG)
        with monkeypatch.context() as few:
            few.setattr(near, "HELD_PAIRS", 50)
            assert (found_near([views], 4, CONFIG) == expected).all()


def test_pairs_are_let_go_of_once_they_are_many(monkeypatch) -> None:
    monkeypatch.setattr(near, "HELD_PAIRS", 1_000)
    views = hot(100, 0)
    best, others = _BestPairs(near._ranked(views)), np.arange(1, 200)
    for number in range(200):
        best.add(np.full(199, number), (others + number) % 200)
        assert sum(map(len, best._found)) < 1_000 + 3 * 100 * 2 * CANDIDATES + 199
    assert len(best.best()) <= 100 * 2 * CANDIDATES
