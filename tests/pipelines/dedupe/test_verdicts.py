import numpy as np

from pipelines.dedupe.keys import Records
from pipelines.dedupe.verdicts import VERDICT_DTYPE, concatenated, one_verdict_each


def verdicts(*rows: tuple[int, int, int, int]) -> Records:
    """Verdicts as (image, better image, near, hamming)."""
    made = [(image, 0, better, 0, near, bits, 1, 1) for image, better, near, bits in rows]
    return np.array(made, VERDICT_DTYPE)


def test_equal_pixels_go_before_a_near_duplicate() -> None:
    found = one_verdict_each(verdicts((2, 1, 0, 0)), verdicts((2, 9, 1, 5), (1, 8, 1, 4)))
    assert found["high"].tolist() == [1, 2]
    assert found["better_high"].tolist() == [8, 1]
    assert found["kind"].tolist() == [1, 0]


def test_the_best_of_all_shards_takes_the_place_of_the_best_of_one() -> None:
    found = one_verdict_each(verdicts((3, 2, 0, 0), (2, 1, 0, 0)), concatenated([], VERDICT_DTYPE))
    assert found["high"].tolist() == [2, 3]
    assert found["better_high"].tolist() == [1, 1]


def test_there_may_be_none() -> None:
    none = concatenated([], VERDICT_DTYPE)
    assert len(one_verdict_each(none, none)) == 0


def test_an_image_of_a_finished_run_is_not_taken_for_one_here_of_the_same_key() -> None:
    """1 is dropped for 2 of the finished run; the key 2 here has other pixels, and goes for 9."""
    made = [(1, 0, 2, 0, 0, 0, 1, 0), (2, 0, 9, 0, 0, 0, 1, 0)]
    found = one_verdict_each(np.array(made, VERDICT_DTYPE), concatenated([], VERDICT_DTYPE))
    assert found["better_high"].tolist() == [2, 9]
    assert found["better_run"].tolist() == [0, 0]
