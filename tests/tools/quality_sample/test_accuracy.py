import pytest

from tools.quality_sample.accuracy import agreement


def test_shares_and_chance_of_a_case_that_is_counted_by_hand():
    found = agreement([0.9, 0.4, 0.4, 0.1], [True, False, True, False], [True, True, False, False])
    assert list(found) == pytest.approx([0.5, 0.5, 0.5, 0.5, (1 + 1 + 0.5 + 1) / 4])


def test_whoever_says_the_commoner_answer_is_right_by_chance():
    assert agreement([0, 0, 0, 1], [False] * 4, [False, False, False, True]).chance == 0.75


def test_scores_that_say_nothing_have_half_the_area():
    assert agreement([1, 1, 1], [True] * 3, [True, False, False]).area == 0.5
