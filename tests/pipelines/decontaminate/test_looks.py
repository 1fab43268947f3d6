"""All views are compared with all references: the same pairs as one by one."""

import numpy as np
import pytest

from pipelines.decontaminate import looks
from pipelines.decontaminate.looks import Looks
from pipelines.sameness.hashes import SKETCH_VALUES
from pipelines.sameness.likeness import MAX_ASPECT_CHANGE, Likeness
from pipelines.sameness.views import Views

LIMITS = Likeness()


def crowd(size: int, seed: int) -> Views:
    """Views around a few centres, which depend on no seed."""
    of_centres, chance = np.random.default_rng(0), np.random.default_rng(seed)
    centres = of_centres.normal(0, 40, (20, SKETCH_VALUES))
    hashes = of_centres.integers(0, 1 << 63, 20).astype(np.uint64)
    which = chance.integers(0, 20, size)
    flips = (chance.integers(0, 2, (size, 26)) @ (1 << np.arange(26))).astype(np.uint64)
    values = np.rint(centres[which] + chance.normal(0, 0.7, (size, SKETCH_VALUES)))
    return Views(
        rows=np.arange(size),
        numbers=np.zeros(size, np.int64),
        values=values.clip(-127, 127).astype(np.int8),
        reach=chance.integers(0, 4, size).astype(np.int8),
        aspect=chance.choice([0, 0, 0, 9, -120, 120], size).astype(np.int8),
        phash=hashes[which] ^ flips,
    )


def one_by_one(ours: Views, theirs: Views) -> set[tuple[int, int, int]]:
    found = set()
    for i in range(len(ours.rows)):
        for j in range(len(theirs.rows)):
            apart = ours.values[i].astype(int) - theirs.values[j]
            limit = int(max(ours.reach[i], theirs.reach[j])) + LIMITS.max_sketch_distance
            bits = (int(ours.phash[i]) ^ int(theirs.phash[j])).bit_count()
            if (
                (apart**2).sum() <= limit**2
                and bits <= LIMITS.max_hamming
                and abs(int(ours.aspect[i]) - int(theirs.aspect[j])) <= MAX_ASPECT_CHANGE
            ):
                found.add((i, j, bits))
    return found


@pytest.mark.parametrize("block", [1, 1000, 1 << 22])
def test_pairs_are_those_found_one_by_one_in_blocks_of_any_size(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = crowd(150, 1), crowd(90, 2)
    monkeypatch.setattr(looks, "BLOCK", block)
    near = Looks(theirs, np.zeros((90, 768), np.uint8), LIMITS).near(ours)
    found = set(zip(*(part.tolist() for part in near), strict=True))
    assert found == one_by_one(ours, theirs)
    assert 20 < len(found) < 150 * 90 / 20


def test_sketches_at_the_ends_of_their_range_are_told_apart_exactly() -> None:
    """The largest products that there are: a distance that is off by one decides."""
    values = np.full((2, SKETCH_VALUES), 127, np.int8)
    values[1, 0] = 124
    one = crowd(2, 1)._replace(
        values=values,
        reach=np.zeros(2, np.int8),
        aspect=np.zeros(2, np.int8),
        phash=np.zeros(2, np.uint64),
    )
    found = Looks(one, np.zeros((2, 768), np.uint8), LIMITS).near(one)
    assert len(found.ours) == 4
    closer = Likeness(max_sketch_distance=2)
    assert len(Looks(one, np.zeros((2, 768), np.uint8), closer).near(one).ours) == 2


def test_no_references_and_no_rows_are_no_pairs() -> None:
    none, some = crowd(0, 1), crowd(5, 1)
    no_cells, cells = (np.zeros((size, 768), np.uint8) for size in (0, 5))
    assert len(Looks(none, no_cells, LIMITS).like(some, cells).ours) == 0
    assert len(Looks(some, cells, LIMITS).like(none, no_cells).ours) == 0
