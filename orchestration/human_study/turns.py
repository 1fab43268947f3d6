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
    lacking. One that others are about to complete comes last: they may go away before they do.
    """
    left = open_tasks(study, standing, rater)
    for task in left:
        if task.id == claims.get(rater):
            return task
    for task in left:
        others = {who for who, claimed in claims.items() if claimed == task.id and who != rater}
        if len(others | {who for who in standing if task.id in standing[who]}) < study.votes:
            return task
    return left[0] if left else None
