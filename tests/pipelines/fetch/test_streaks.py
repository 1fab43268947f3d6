import random

import pytest

from pipelines.fetch.streaks import Streak


def streak_of(num_jobs, limit):
    streak: Streak[int] = Streak(limit)
    for job in range(num_jobs):
        streak.expect(job)
    return streak


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        ("ooo", 3),
        ("xxx", 3),
        ("xxxo", 3),
        ("xxoxxo", 6),
        ("oxxxoxxx", 4),
        ("xxoxxxo", 6),
        ("", 0),
    ],
)
def test_the_first_outages_in_a_row_decide_in_whatever_order_jobs_end(outcomes, kept):
    for seed in range(20):
        streak = streak_of(len(outcomes), limit=3)
        jobs = list(range(len(outcomes)))
        random.Random(seed).shuffle(jobs)
        for job in jobs:
            streak.record(job, outcomes[job] == "x")
        assert streak.left_out() == list(range(kept, len(outcomes)))


def test_a_host_is_put_aside_once_all_jobs_before_are_known():
    streak = streak_of(5, limit=2)
    told = []
    for job in (1, 2, 0):
        streak.record(job, is_outage=True)
        told.append(streak.is_broken_off)
    assert told == [False, False, True]
    assert streak.left_out() == [2, 3, 4]


def test_without_a_limit_nothing_is_left_out():
    streak = streak_of(9, limit=0)
    for job in range(9):
        streak.record(job, is_outage=True)
    assert not streak.is_broken_off
    assert streak.left_out() == []
