"""Makes a study of two folders of samples: pairs for the same captions, without a trace of whose.

Images are written anew, since names, formats and metadata would tell one model from the other.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from dalle_model import files
from dalle_model.pixels import to_png
from orchestration.human_study.captioned import by_caption
from orchestration.human_study.study import (
    MODELS,
    Study,
    StudyError,
    StudyFolder,
    Task,
    draw,
)
from pipelines.image_sets.layouts import SetImage
from pipelines.io.colours import upright_rgb


@dataclass(frozen=True)
class MadeStudy:
    """A study that was made.

    Args:
        folder: where it is.
        num_tasks: comparisons in it.
        num_shared: captions for which both folders have an image.
    """

    folder: str
    num_tasks: int
    num_shared: int

    def __str__(self) -> str:
        return f"{self.folder}: {self.num_tasks:,} tasks of {self.num_shared:,} captions in both"


def make_study(first: str, second: str, out: str, study_of: "Asked") -> MadeStudy:
    """Write a study; its file comes last, so that one that was interrupted is none.

    Args:
        first: samples of model `a`, as `by_caption` takes them.
        second: the same of model `b`.
        out: folder to write, which holds nothing else.
        study_of: what of them.

    Raises:
        StudyError: the folders do not go together, an image is broken, or `out` is in use.
    """
    folder = StudyFolder(out)
    _check_free(folder)
    pairs = _pairs(first, second, study_of.captions)
    tasks = choose(list(pairs), study_of)
    for task in tasks:
        of_models = zip(MODELS, (first, second), pairs[task.caption], strict=True)
        for model, root, sample in of_models:
            files.write_bytes(str(folder.image(task, model)), clean_png(root, sample))
    study = Study(
        models=_names(first, second), seed=study_of.seed, votes=study_of.votes, tasks=tuple(tasks)
    )
    files.write_json(str(folder.study), study.model_dump())
    return MadeStudy(out, len(tasks), len(pairs))


@dataclass(frozen=True)
class Asked:
    """What a study is to be.

    Args:
        number: of tasks at most.
        votes: distinct raters for each.
        seed: decides which captions are taken.
        captions: table of captions of both folders, as `by_caption` takes it.
    """

    number: int
    votes: int
    seed: int
    captions: str = ""


def choose(captions: list[str], asked: Asked) -> list[Task]:
    """Tasks of captions drawn by the seed, whatever the order in which they are given."""
    drawn = sorted(captions, key=lambda caption: draw(asked.seed, "caption", caption))
    return [Task(id=f"{n:05}", caption=c) for n, c in enumerate(drawn[: asked.number], 1)]


def clean_png(root: str, sample: SetImage) -> bytes:
    """The pixels of an image as a PNG, upright, on white, and without metadata.

    Raises:
        StudyError: it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(sample.read())) as image:
            return to_png(upright_rgb(image))
    except Exception as error:  # decoders raise almost anything
        raise StudyError(
            f"{root}/{sample.name}: the image is broken ({error}); mend it or take it out"
        ) from error


def _pairs(first: str, second: str, captions: str) -> Mapping[str, tuple[SetImage, SetImage]]:
    if Path(first).resolve() == Path(second).resolve():
        raise StudyError(f"{first}: compared with itself; name the folder of another model")
    a, b = by_caption(first, captions), by_caption(second, captions)
    shared = {caption: (image, b[caption]) for caption, image in a.items() if caption in b}
    if not shared:
        raise StudyError(
            f"no caption of {first} is in {second}: {next(iter(a))!r} is in one, "
            f"{next(iter(b))!r} in the other; draw both from the same captions"
        )
    return shared


def _names(first: str, second: str) -> tuple[str, str]:
    """What the models are called: the names of the folders, or their paths where those are one."""
    a, b = Path(first).resolve().name, Path(second).resolve().name
    return (a, b) if a != b else (first, second)


def _check_free(folder: StudyFolder) -> None:
    """An interrupted `make` leaves images alone, which are written over."""
    others = set(files.list_names(str(folder.path))) - {folder.images.name}
    if others:
        raise StudyError(f"{folder.path} is not empty: it holds {min(others)}; name a new folder")
