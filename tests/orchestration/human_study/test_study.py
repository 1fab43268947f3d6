from collections import Counter

import pytest

from orchestration.human_study.study import (
    NUM_TASKS,
    NUM_VOTES,
    Study,
    StudyError,
    StudyFolder,
    Task,
    left_model,
    model_at,
    order,
    read_study,
)

STUDY = Study(
    models=("one", "two"),
    seed=3,
    votes=5,
    tasks=tuple(Task(id=f"{n:05}", caption=f"caption {n}") for n in range(400)),
)


def test_the_numbers_are_those_of_the_paper():
    assert (NUM_TASKS, NUM_VOTES) == (1000, 5)


def test_each_rater_has_all_tasks_in_an_order_of_their_own():
    first, again, second = order(STUDY, "r1"), order(STUDY, "r1"), order(STUDY, "r2")
    assert first == again
    assert first != second
    assert set(first) == set(second) == set(STUDY.tasks)
    assert order(STUDY.model_copy(update={"seed": 4}), "r1") != first


def test_sides_are_drawn_for_each_rater_and_task():
    """Each coin is fair, and no two raters share theirs: within four standard deviations."""
    sides = {r: [left_model(STUDY, r, task) for task in STUDY.tasks] for r in ("r1", "r2")}
    for drawn in sides.values():
        assert abs(Counter(drawn)["a"] - 200) < 40
    equal = sum(one == other for one, other in zip(*sides.values(), strict=True))
    assert abs(equal - 200) < 40


def test_a_side_is_one_model_and_the_other_side_the_other():
    assert [model_at("left", m) for m in ("a", "b")] == ["a", "b"]
    assert [model_at("right", m) for m in ("a", "b")] == ["b", "a"]


def test_what_is_no_study_is_said_with_what_makes_one(tmp_path):
    with pytest.raises(StudyError, match="no study is there; `dalle evaluate human make A B --out"):
        read_study(StudyFolder(str(tmp_path)))
    (tmp_path / "study.json").write_text('{"version": 2}')
    with pytest.raises(StudyError, match="not a study that this version can read"):
        read_study(StudyFolder(str(tmp_path)))
