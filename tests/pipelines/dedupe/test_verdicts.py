import numpy as np

from pipelines.dedupe.keys import Records
from pipelines.dedupe.verdicts import VERDICT_DTYPE, concatenated, one_verdict_each


def verdicts(*rows: tuple[int, int, int, int]) -> Records:
    """Verdicts as (image, better image, near, hamming)."""
    made = [(image, 0, better, 0, near, bits) for image, better, near, bits in rows]
    return np.array(made, VERDICT_DTYPE)


def test_equal_pixels_go_before_a_near_duplicate() -> None:
    found = one_verdict_each(verdicts((2, 1, 0, 0)), verdicts((2, 9, 1, 5), (1, 8, 1, 4)))
    assert found["high"].tolist() == [1, 2]
    assert found["better_high"].tolist() == [8, 1]
    assert found["near"].tolist() == [1, 0]


def test_the_best_of_all_shards_takes_the_place_of_the_best_of_one() -> None:
    found = one_verdict_each(verdicts((3, 2, 0, 0), (2, 1, 0, 0)), concatenated([], VERDICT_DTYPE))
    assert found["high"].tolist() == [2, 3]
    assert found["better_high"].tolist() == [1, 1]


def test_there_may_be_none() -> None:
    none = concatenated([], VERDICT_DTYPE)
    assert len(one_verdict_each(none, none)) == 0
