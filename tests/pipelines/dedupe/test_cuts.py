import numpy as np
import pytest

from pipelines.dedupe import cuts
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.cuts import Cut
from pipelines.dedupe.keys import Records
from pipelines.dedupe.near import CANDIDATES
from tests.support.views import crowd, found_near

CONFIG = DedupeConfig()
IN_PARTS = Cut(600, num_parts=5, num_values=2)


def images(views: Records) -> set[int]:
    return {int(image) for image in views["high"]}


@pytest.mark.parametrize("cut", [IN_PARTS, Cut(600, 40, 6), Cut(600, 2, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_who_meets_in_the_whole_meets_in_a_part(cut, seed) -> None:
    shards = np.array_split(crowd(600, seed), 3)
    expected = found_near(shards, 4, CONFIG, Cut(600))
    assert len(expected) > 200
    assert (found_near(shards, 4, CONFIG, cut) == expected).all()


def test_every_view_lives_in_one_part_of_each_table() -> None:
    views, lived = crowd(600, 1), {table: list[int]() for table in range(3)}
    for group, mine in IN_PARTS.groups(views, 3):
        grid = IN_PARTS.tables(group, 3)[0][0]
        lived[group[0]] += mine["high"][IN_PARTS.lives(grid, mine, group[1])].tolist()
    for found in lived.values():
        assert sorted(found) == sorted(images(views))


def test_a_view_visits_few_parts() -> None:
    views = crowd(600, 1)
    sent = sum(len(mine) for _, mine in Cut.of(1_000_000).groups(views, 4))
    assert 4 * len(views) < sent < 2.5 * 4 * len(views)


def test_of_a_crowd_the_same_ones_are_candidates_in_parts() -> None:
    views = np.repeat(crowd(40, 0), 30)
    views["high"] = views["pixels"] = np.arange(len(views))
    whole, parts = (found_near([views], 4, CONFIG, cut) for cut in (Cut(600), IN_PARTS))
    assert len(whole) > 600 * CANDIDATES
    assert (whole == parts).all()


def test_few_images_are_not_cut() -> None:
    views = crowd(50, 0)
    assert Cut.of(cuts.WHOLE).num_parts == 1
    groups = dict(Cut.of(50).groups(views, 5))
    assert [*groups] == [(0, 0), (3, 0)]
    assert all(mine is views for mine in groups.values())
    assert len(Cut(50).tables((3, 0), 5)) == 2


def test_a_part_is_of_one_size_however_many_images_there_are() -> None:
    for number in (cuts.WHOLE + 1, 1_000_000, 10**9):
        assert 0.75 * cuts.PART <= number / Cut.of(number).num_parts <= cuts.PART


def test_a_shard_without_images_goes_nowhere() -> None:
    assert [*IN_PARTS.groups(crowd(600, 0)[:0], 5)] == []
