"""Samples of two models, a study of them, and raters who answer as they were told."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from orchestration.human_study.making import Asked, make_study
from orchestration.human_study.study import Study, StudyFolder, read_study

COLOURS = {"reds": (200, 30, 30), "blues": (30, 30, 200)}  # a model's images are of its colour
CAPTIONS = [f"a thing of kind {number}" for number in range(6)]


def write_samples(root: Path, model: str, captions: list[str] = CAPTIONS) -> str:
    """A folder of 8 px PNGs of a model, each with its caption beside it."""
    folder = root / model
    folder.mkdir(parents=True)
    for number, caption in enumerate(captions):
        pixels = np.full((8, 8, 3), COLOURS[model], np.uint8)
        pixels[0] = number % 256
        Image.fromarray(pixels).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(caption + "\n")
    return str(folder)


def small_study(root: Path, **asked: Any) -> tuple[StudyFolder, Study]:
    """A study of six tasks, red as `a` against blue as `b`, five votes each."""
    first, second = (write_samples(root, model) for model in COLOURS)
    given = {"number": 1000, "votes": 5, "seed": 0} | asked
    make_study(first, second, str(root / "study"), Asked(**given))
    folder = StudyFolder(str(root / "study"))
    return folder, read_study(folder)


def choice(rater: int, task: int) -> tuple[str, str]:
    """The models that a scripted rater takes, by numbers from 0: for realism, for the caption.

    Of realism four of five take `b`, but for tasks 0 and 3, where three of five take `a`. For the
    caption all take `b` in tasks 0 to 2, neither in tasks 3 and 4; in task 5 there is no majority.
    """
    realism = "a" if rater < (3 if task in (0, 3) else 1) else "b"
    match = "b" if task < 3 else "neither" if task < 5 else ("a", "a", "b", "b", "neither")[rater]
    return realism, match


def expected() -> dict[str, dict[str, int]]:
    """How many tasks end how, where five raters take what `choice` says."""
    return {
        "realism": {"a": 2, "b": 4, "no majority": 0},
        "caption": {"a": 0, "b": 3, "neither": 2, "no majority": 1},
    }


def ask(url: str, body: Any = None, **headers: str) -> Any:
    """The JSON that an address answers; with a body, to a POST of it."""
    sent = None if body is None else json.dumps(body).encode()
    known = {"Content-Type": "application/json"} | {
        n.replace("_", "-"): v for n, v in headers.items()
    }
    with urllib.request.urlopen(urllib.request.Request(url, sent, known), timeout=60) as answer:
        return json.load(answer)


def model_of(png: bytes) -> str:
    """Whose image a PNG is, by its colour."""
    import io

    with Image.open(io.BytesIO(png)) as image:
        red, _, blue = np.asarray(image)[-1, -1].tolist()
    return "a" if red > blue else "b"
