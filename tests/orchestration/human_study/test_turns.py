import random

from orchestration.human_study.study import Study, Task, order
from orchestration.human_study.turns import next_task
from orchestration.human_study.votes import Answers, Standing, Vote, put

STUDY = Study(
    models=("one", "two"),
    seed=0,
    votes=3,
    tasks=tuple(Task(id=str(n), caption=f"caption {n}") for n in range(8)),
)
ANSWERS = Answers(realism="a", caption="a", seconds=1)


def judge(standing: Standing, rater: str, task: str) -> None:
    put(standing, Vote(rater=rater, task=task, left="a", answers=ANSWERS, at=""))


def test_a_rater_goes_through_their_order():
    standing: Standing = {}
    for task in order(STUDY, "r1"):
        assert next_task(STUDY, standing, "r1", {}) == task
        judge(standing, "r1", task.id)
    assert next_task(STUDY, standing, "r1", {}) is None


def test_what_a_rater_has_before_them_stays_there():
    last = order(STUDY, "r1")[-1]
    assert next_task(STUDY, {}, "r1", {"r1": last.id}) == last


def test_a_task_that_others_are_about_to_complete_comes_last():
    first, second, *_ = order(STUDY, "r1")
    standing: Standing = {}
    judge(standing, "r2", first.id)
    claims = {"r3": first.id}
    assert next_task(STUDY, standing, "r1", claims) == first
    assert next_task(STUDY, standing, "r1", claims | {"r4": first.id}) == second
    for task in STUDY.tasks:
        if task != first:
            judge(standing, "r1", task.id)
    assert next_task(STUDY, standing, "r1", claims | {"r4": first.id}) == first


def test_any_number_of_raters_gives_each_task_its_votes():
    """Nine raters vote in a random order of turns, each on what was before them until then."""
    standing: Standing = {}
    raters, drawn = [f"r{n}" for n in range(9)], random.Random(0)
    claims: dict[str, str] = {}

    def show(rater: str) -> None:
        task = next_task(STUDY, standing, rater, claims)
        claims.pop(rater, None)
        claims.update({rater: task.id} if task else {})

    for rater in raters:
        show(rater)
    while claims:
        rater = drawn.choice(sorted(claims))
        judge(standing, rater, claims[rater])
        show(rater)
    votes = [sum(task.id in standing[r] for r in standing) for task in STUDY.tasks]
    assert min(votes) == STUDY.votes
    assert sum(votes) <= STUDY.votes * len(STUDY.tasks) + len(raters)  # of the last tasks
