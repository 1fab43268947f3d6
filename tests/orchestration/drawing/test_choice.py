import numpy as np
import pytest

from dalle_model.errors import UsageError
from orchestration.drawing.choice import Choice, chosen
from tests.support.drawing import PlannedScorer

IMAGES = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1) + np.zeros((1, 2, 2, 3), np.uint8)


def test_the_best_are_shown_and_of_equal_ones_the_first() -> None:
    scorer = PlannedScorer([0.25, 0.5, 0.75, 0.5, 0.0])
    row = chosen(IMAGES, "world", "a cat", Choice(3, best_of=5), scorer)
    assert (row.prior, row.caption) == ("world", "a cat")
    assert row.numbers == [2, 1, 3]
    assert row.scores == [0.75, 0.5, 0.5]
    np.testing.assert_array_equal(row.images, IMAGES[[2, 1, 3]])


def test_without_a_scorer_all_are_shown_in_their_order() -> None:
    row = chosen(IMAGES, "world", "a cat", Choice(5), None)
    assert (row.numbers, row.scores) == ([0, 1, 2, 3, 4], [])


def test_how_many_are_drawn_and_what_scores_them() -> None:
    assert (Choice(8).num_drawn, Choice(8).scored_by, Choice(8).load()) == (8, "", None)
    assert (Choice(8, best_of=64).num_drawn, Choice(8, best_of=64).scored_by) == (64, "drawn")
    assert (Choice(8, scorer="x").num_drawn, Choice(8, scorer="x").scored_by) == (8, "x")


@pytest.mark.parametrize("wrong", [(0, 0), (513, 0), (8, 7), (8, 513), (8, -1)])
def test_numbers_out_of_range_are_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=r"-n \d|--best-of "):
        Choice(*wrong)
