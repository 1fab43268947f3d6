"""Votes as lines of a file that only grows: what was acknowledged outlives a crash of any kind.

A line is written and synced before the rater sees the next task. A crash may leave a part of a last
line, of a vote that nobody was told is kept: it is passed over, and cut off by who writes next.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dalle_model.errors import DalleError
from orchestration.human_study.study import Model, StudyError

MAX_SECONDS = (
    86_400.0  # chosen: who leaves a page open for longer than a day has not judged so long
)


class VotesError(DalleError):
    """The votes of a study are damaged elsewhere than in a last half line."""


class Answers(BaseModel):
    """What a rater said of a task.

    Args:
        realism: the model whose image is the more realistic.
        caption: the model whose image matches the caption better, or neither.
        seconds: from when both images were seen to the last answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    realism: Model
    caption: Model | Literal["neither"]
    seconds: float = Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)


class Vote(BaseModel):
    """A line of the file.

    Args:
        rater: their name within the study.
        task: its id.
        left: the model whose image was on the left.
        answers: none where the rater takes back what they said before.
        at: when, in UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rater: str
    task: str
    left: Model
    answers: Answers | None
    at: str


# The votes that count, by rater and task; those of a rater in the order in which they were given.
Standing = dict[str, dict[str, Vote]]


def stand(votes: Iterable[Vote]) -> Standing:
    """The votes that count: the last of a rater on a task, unless it was taken back."""
    standing: Standing = {}
    for vote in votes:
        put(standing, vote)
    return standing


def put(standing: Standing, vote: Vote) -> None:
    """Let a further vote count."""
    theirs = standing.setdefault(vote.rater, {})
    theirs.pop(vote.task, None)
    if vote.answers:
        theirs[vote.task] = vote


def read_votes(path: Path) -> list[Vote]:
    """The votes of a file, in the order in which they were given; none where there is no file.

    Raises:
        VotesError: a whole line is no vote.
    """
    content = path.read_bytes() if path.is_file() else b""
    *lines, _half = content.split(b"\n")
    return [_vote(path, number, line) for number, line in enumerate(lines, 1)]


def _vote(path: Path, number: int, line: bytes) -> Vote:
    try:
        return Vote.model_validate_json(line)
    except ValidationError as error:
        raise VotesError(
            f"{path}: line {number} is no vote; mend or delete that line, after a copy of the file"
        ) from error


class VoteFile:
    """The file, open for one writer.

    Args:
        path: made where it is not there.

    Raises:
        StudyError: another server writes it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise StudyError(
                f"{path.parent}: this study is being served already; stop that server first"
            ) from error
        content = path.read_bytes()
        self._cut(content.rfind(b"\n") + 1)

    def append(self, vote: Vote) -> None:
        """Keep a vote: it is on the disk when this returns.

        Raises:
            OSError: it is not, and the file is as it was.
        """
        line = vote.model_dump_json().encode() + b"\n"
        try:
            if os.write(self._descriptor, line) < len(line):
                raise OSError("the disk took a part of a vote alone")
            os.fsync(self._descriptor)
        except OSError:
            self._cut(self._end)
            raise
        self._end += len(line)

    def close(self) -> None:
        """Let another server write."""
        os.close(self._descriptor)

    def _cut(self, end: int) -> None:
        """Make the file end there."""
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, end, os.SEEK_SET)
        self._end = end
