"""A study as data: pairs of samples for one caption, and who sees which of them when and where.

A study is a folder. Two models are called `a` and `b` in it; what is shown of a pair to a rater is
its caption, and two images with neither names nor metadata.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dalle_model import files
from dalle_model.errors import UsageError

# Source: Ramesh et al. 2021, appendix F: five distinct workers for each comparison, of 1,000.
NUM_VOTES, NUM_TASKS = 5, 1000

Model = Literal["a", "b"]
Side = Literal["left", "right"]
MODELS: tuple[Model, Model] = ("a", "b")


class StudyError(UsageError):
    """A human study cannot be made, served or counted: why, and what to do."""


class Task(BaseModel):
    """One comparison.

    Args:
        id: its name within the study; says nothing of the models.
        caption: for which both images were made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    caption: str


class Study(BaseModel):
    """Two models compared by people.

    Args:
        version: of this form.
        models: what people call `a` and `b`.
        seed: decides the tasks, their order and the sides.
        votes: distinct raters that each task needs.
        tasks: of distinct ids.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    models: tuple[str, str]
    seed: int
    votes: int
    tasks: tuple[Task, ...]


class StudyFolder:
    """The names of what is in the folder of a study."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.study = self.path / "study.json"
        self.votes = self.path / "votes.jsonl"
        self.raters = self.path / "raters.json"
        self.images = self.path / "images"

    def image(self, task: Task, model: Model) -> Path:
        """The PNG that a model made for a task."""
        return self.images / f"{task.id}-{model}.png"


def read_study(folder: StudyFolder) -> Study:
    """The study of a folder.

    Raises:
        StudyError: there is none, or it is damaged.
    """
    try:
        return Study.model_validate_json(files.read_bytes(str(folder.study)))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StudyError(
            f"{folder.path}: no study is there; `dalle evaluate human make A B --out "
            f"{folder.path}` makes one of two folders of samples"
        ) from error
    except ValidationError as error:
        raise StudyError(
            f"{folder.study}: not a study that this version can read ({error.error_count()} "
            "faults); make it again in another folder"
        ) from error


def order(study: Study, rater: str) -> list[Task]:
    """All tasks in the order of a rater, drawn by the seed; no two raters share one."""
    return sorted(study.tasks, key=lambda task: draw(study.seed, "order", rater, task.id))


def left_model(study: Study, rater: str, task: Task) -> Model:
    """The model whose image is on the left, drawn by the seed for each rater and task.

    chosen: not the same side for all raters of a task, so that a habit of taking one side does not
    become a vote for one model.
    """
    return MODELS[draw(study.seed, "side", rater, task.id) % 2]


def model_at(side: Side, left: Model) -> Model:
    """The model on a side."""
    return left if side == "left" else MODELS[1 - MODELS.index(left)]


def draw(seed: int, *names: str) -> int:
    """A number below 2^64 that depends on the seed and the names alone."""
    return int.from_bytes(sha256(json.dumps([seed, *names]).encode()).digest()[:8])
