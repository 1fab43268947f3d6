"""Samples by their captions, which lie beside them or are in a table."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestration.evaluation.sets import read_samples
from orchestration.human_study.study import StudyError
from pipelines.image_sets.layouts import SetImage

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
# Of tables: ours first, then those of the image folders of Hugging Face's `datasets`.
_FILE_COLUMNS, _CAPTION_COLUMNS = ("file", "file_name"), ("caption", "text")


def by_caption(path: str, captions: str = "") -> dict[str, SetImage]:
    """The images of a set by their captions; of several for one caption the first by name.

    Args:
        path: of what `orchestration.evaluation.sets.read_samples` reads: a folder of images, one
            that `dalle sample` wrote, or a run.
        captions: a table of all captions, JSONL or CSV with `file` and `caption`, which names files
            with or without their suffixes; by default each set has its own.

    Raises:
        ImageSetError: there is no image, or captions cannot be read.
        SamplesError: a run has no samples.
        StudyError: none of the images has a caption.
    """
    (found,) = read_samples([path])
    known = read_table(Path(captions)) if captions else None
    shown: dict[str, SetImage] = {}
    for picture in found.pictures:
        name = picture.image.name
        own = picture.caption if known is None else known.get(name) or known.get(_stem(name), "")
        if caption := one_line(own):
            shown.setdefault(caption, picture.image)
    if not shown:
        raise StudyError(
            f"{path}: none of {len(found.pictures)} images has a caption; write a `.txt` beside "
            "each, or a table `captions.jsonl` of `file` and `caption`, or give it as `--captions`"
        )
    return shown


def read_table(path: Path) -> dict[str, str]:
    """Captions by the names of files, each with and without its suffix.

    Raises:
        StudyError: there is no such table, or a row lacks a column.
    """
    try:
        text = path.read_text("utf-8-sig")
        rows = list(_rows(path, text))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: no table of captions can be read from it: {error}") from error
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        name, caption = (_first(row, names) for names in (_FILE_COLUMNS, _CAPTION_COLUMNS))
        if not name:
            raise StudyError(f"{path}: row {number} has no column `file`; it has {sorted(row)}")
        found[name] = found[_stem(name)] = one_line(caption)
    return found


def one_line(text: str) -> str:
    """A caption with single spaces, as captions are compared."""
    return " ".join(text.split())


def _rows(path: Path, text: str) -> Iterable[Mapping[str, Any]]:
    if path.suffix == ".csv":
        return csv.DictReader(text.splitlines())
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    if any(not isinstance(row, dict) for row in rows):
        raise ValueError("a line is not a JSON object")
    return rows


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")


def _stem(name: str) -> str:
    path = Path(name)
    return str(path.with_suffix("")) if path.suffix.lower() in IMAGE_SUFFIXES else name
