"""Whose turn it is at which task: as many distinct raters for each task as the study needs."""

from collections import Counter
from collections.abc import Mapping

from orchestration.human_study.study import Study, Task, order
from orchestration.human_study.votes import Standing

Claims = Mapping[str, str]  # the id of the task that each rater has before them


def open_tasks(study: Study, standing: Standing, rater: str) -> list[Task]:
    """The tasks that lack votes and that a rater has not judged, in their order."""
    votes = Counter(task for theirs in standing.values() for task in theirs)
    judged = standing.get(rater, {})
    return [
        task
        for task in order(study, rater)
        if task.id not in judged and votes[task.id] < study.votes
    ]


def next_task(study: Study, standing: Standing, rater: str, claims: Claims) -> Task | None:
    """The task that a rater is shown; None where nothing is left for them.

    It is the one that they have before them, else the first in their order for which raters are
    lacking. What others are about to complete comes last, since they may go away before they do.
    """
    left = open_tasks(study, standing, rater)
    claimed = next((task for task in left if task.id == claims.get(rater)), None)
    return claimed or min(
        left, key=lambda task: _num_spare(study, standing, task, rater, claims), default=None
    )


def _num_spare(study: Study, standing: Standing, task: Task, rater: str, claims: Claims) -> int:
    """How many votes a task may get beyond those that it needs, if a rater judges it too."""
    voted = {who for who, theirs in standing.items() if task.id in theirs}
    before_others = {who for who, claimed in claims.items() if claimed == task.id}
    return max(0, len(voted | before_others | {rater}) - study.votes)
