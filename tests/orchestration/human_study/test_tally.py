"""Counts of scripted raters, and who is dropped."""

import random
from typing import Any

import pytest

from orchestration.human_study.dropping import DropRule
from orchestration.human_study.study import Study, Task
from orchestration.human_study.tally import Tally, first_votes, tally_votes
from orchestration.human_study.votes import Answers, Standing, Vote, put
from tests.support.human_study import choice, expected

RULE = DropRule()


def study(tasks: int, votes: int = 5) -> Study:
    made = tuple(Task(id=str(n), caption=f"caption {n}") for n in range(tasks))
    return Study(models=("theirs", "ours"), seed=0, votes=votes, tasks=made)


def vote(rater: int, task: int, **other: Any) -> Vote:
    realism, match = choice(rater, task)
    answers = {"realism": realism, "caption": match, "seconds": 8.0} | other
    at = f"2026-01-01T{rater:02}:{task:02}"
    given = Answers.model_validate(answers)
    return Vote(rater=f"r{rater}", task=str(task), left="a", answers=given, at=at)


def scripted() -> Standing:
    standing: Standing = {}
    for rater in range(5):
        for task in range(6):
            put(standing, vote(rater, task))
    return standing


def ends(tally: Tally) -> dict[str, dict[str, int]]:
    return {
        name: {end: share.tasks for end, share in question.shares.items()}
        for name, question in tally.all_raters.items()
    }


def test_scripted_raters_are_counted():
    tally = tally_votes(study(6), scripted(), RULE)
    assert (tally.complete, tally.dropped, tally.kept_raters) == (6, {}, None)
    assert ends(tally) == expected()
    share = tally.all_raters["realism"].shares["b"]
    assert share.tasks == 4
    assert share.share == pytest.approx(2 / 3)
    assert share.low < 2 / 3 < share.high


def test_only_tasks_with_all_their_votes_count():
    standing = scripted()
    del standing["r4"]["2"]
    tally = tally_votes(study(6), standing, RULE)
    assert tally.complete == 5
    assert sum(ends(tally)["realism"].values()) == 5
    assert tally_votes(study(6), {}, RULE).complete == 0


def test_of_more_votes_than_a_task_needs_the_first_count():
    by_task = first_votes(study(6, votes=3), scripted())
    assert {tuple(v.rater for v in votes) for votes in by_task.values()} == {("r0", "r1", "r2")}


def with_a_bad_rater(seconds: float) -> Standing:
    """Four raters who take `b` throughout, and one who presses keys at random."""
    standing: Standing = {}
    drawn = random.Random(0)
    for task in range(40):
        for rater in range(4):
            put(standing, vote(rater, task, realism="b", caption="b"))
        given = {"realism": drawn.choice("ab"), "caption": drawn.choice(["a", "b", "neither"])}
        put(standing, vote(4, task, seconds=seconds, **given))
    return standing


def test_who_is_fast_and_against_the_others_is_dropped():
    tally = tally_votes(study(40), with_a_bad_rater(1.5), RULE)
    assert list(tally.dropped) == ["r4"]
    assert tally.dropped["r4"].startswith("100% of 40 tasks in under 4 s, and ")
    assert tally.kept_raters is not None
    assert tally.kept_raters["realism"].shares["b"].tasks == 40
    assert tally.kept_raters["realism"].pairwise == 1.0
    assert (tally.all_raters["realism"].pairwise or 1.0) < 0.9


@pytest.mark.parametrize(
    ("seconds", "rule"),
    [
        (5.0, RULE),  # against the others, but not fast
        (1.5, DropRule(fast_s=1.0)),
        (1.5, DropRule(disagreement=0.9)),
        (1.5, DropRule(min_tasks=41)),
    ],
)
def test_each_part_of_the_rule_is_needed(seconds, rule):
    assert tally_votes(study(40), with_a_bad_rater(seconds), rule).dropped == {}


def test_who_is_fast_and_agrees_stays():
    standing: Standing = {}
    for task in range(40):
        for rater in range(5):
            put(standing, vote(rater, task, realism="b", caption="b", seconds=1.0))
    tally = tally_votes(study(40), standing, RULE)
    assert tally.dropped == {}
    assert {(one.fast_share, one.disagreement) for one in tally.raters} == {(1.0, 0.0)}


def test_raters_are_left_out_where_that_is_asked_for():
    tally = tally_votes(study(6), scripted(), RULE, without=["r0"])
    assert tally.dropped == {"r0": "asked for"}
    assert tally.kept_raters is not None
    assert tally.kept_raters["realism"].shares["a"].tasks == 0  # two of four are no majority
    assert tally.kept_raters["realism"].shares["no majority"].tasks == 2


def test_a_habit_of_one_side_is_seen():
    standing: Standing = {}
    for task in range(4):
        put(standing, vote(0, task, realism="a", caption="neither"))
        put(standing, vote(1, task, realism="b", caption="b"))
    shares = {one.rater: one.left_share for one in tally_votes(study(4, 2), standing, RULE).raters}
    assert shares == {"r0": 1.0, "r1": 0.0}  # `a` was on the left throughout


def test_the_table_names_models_raters_and_who_is_dropped():
    lines = str(tally_votes(study(40), with_a_bad_rater(1.5), RULE)).splitlines()
    assert lines[0] == "40 of 40 tasks have 5 votes, and are counted"
    assert lines[2].split() == ["majority", "realism", "caption"]
    assert lines[4] == "ours         100.0% [91.2, 100.0]      100.0% [91.2, 100.0]"
    assert lines[5].split()[:2] == ["neither", "-"]
    assert sum(line.startswith("r") for line in lines) == 6
    assert any(line.startswith("dropped: r4, 100% of 40") for line in lines)
    assert str(tally_votes(study(4), {}, RULE)) == (
        "0 of 4 tasks have 5 votes, and are counted\n\ndropped: nobody"
    )
