"""The desk at which raters are served: what each is shown, and what is done with their answers.

All state is the file of votes and what is before each rater. A server that is killed loses the
second alone, which is drawn again from the first.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestration.human_study.study import (
    Model,
    Side,
    Study,
    StudyFolder,
    Task,
    left_model,
    model_at,
    read_study,
)
from orchestration.human_study.turns import next_task, open_tasks
from orchestration.human_study.votes import (
    MAX_SECONDS,
    Answers,
    Vote,
    VoteFile,
    put,
    read_votes,
    stand,
)


class Given(BaseModel):
    """What a page sends of a task: answers by side, since it knows no model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    realism: Side
    caption: Side | Literal["neither"]
    seconds: float = Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)


@dataclass(frozen=True)
class Shown:
    """What a page shows.

    Args:
        task: None where nothing is left for the rater.
        judged: tasks that they have judged.
        left: tasks that are left for them.
    """

    task: Task | None
    judged: int
    left: int


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Desk:
    """One study while it is served; its methods may be called from several threads.

    Args:
        folder: of the study.
        clock: gives the time of a vote.

    Raises:
        StudyError: there is no study, or another server serves it.
        VotesError: its votes are damaged.
    """

    def __init__(self, folder: StudyFolder, clock: Callable[[], str] = _now) -> None:
        self._folder, self._clock = folder, clock
        self.study: Study = read_study(folder)
        self._tasks = {task.id: task for task in self.study.tasks}
        self._file = VoteFile(folder.votes)
        self._standing = stand(read_votes(folder.votes))
        self._claims: dict[str, str] = {}
        self._lock = threading.Lock()

    def show(self, rater: str) -> Shown:
        """What is before a rater."""
        with self._lock:
            return self._shown(rater)

    def vote(self, rater: str, given: Given) -> Shown:
        """Keep an answer, and show what is next; an answer that comes twice is kept once.

        Raises:
            KeyError: there is no such task.
            OSError: the answer could not be kept.
        """
        with self._lock:
            task = self._tasks[given.task]
            if task.id not in self._standing.get(rater, {}):
                self._keep(rater, task, given)
            return self._shown(rater)

    def undo(self, rater: str) -> Shown:
        """Take back the rater's last vote, and show its task again.

        Raises:
            OSError: that could not be kept.
        """
        with self._lock:
            theirs = self._standing.get(rater, {})
            if theirs:
                last = self._tasks[next(reversed(theirs))]
                self._keep(rater, last, None)
                self._claims[rater] = last.id
            return self._shown(rater)

    def image(self, rater: str, task: str, side: Side) -> Path:
        """The image on a side of a task, as a rater sees it; raises KeyError for no task."""
        of_task = self._tasks[task]
        left = left_model(self.study, rater, of_task)
        return self._folder.image(of_task, model_at(side, left))

    def close(self) -> None:
        """Let another server serve the study."""
        with self._lock:
            self._file.close()

    def _keep(self, rater: str, task: Task, given: Given | None) -> None:
        left = left_model(self.study, rater, task)
        answers = _by_model(given, left) if given else None
        vote = Vote(rater=rater, task=task.id, left=left, answers=answers, at=self._clock())
        self._file.append(vote)
        put(self._standing, vote)

    def _shown(self, rater: str) -> Shown:
        task = next_task(self.study, self._standing, rater, self._claims)
        if task:
            self._claims[rater] = task.id
        else:
            self._claims.pop(rater, None)
        left = open_tasks(self.study, self._standing, rater)
        return Shown(task, len(self._standing.get(rater, {})), len(left))


def _by_model(given: Given, left: Model) -> Answers:
    match = given.caption
    return Answers(
        realism=model_at(given.realism, left),
        caption=match if match == "neither" else model_at(match, left),
        seconds=round(given.seconds, 3),
    )
