"""Folders of samples with their captions, in a `.txt` beside each image or in a table."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestration.human_study.study import StudyError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
# Of tables: ours first, then those of the image folders of Hugging Face's `datasets`.
TABLES = ("captions.jsonl", "captions.csv", "metadata.jsonl", "metadata.csv")
_FILE_COLUMNS, _CAPTION_COLUMNS = ("file", "file_name"), ("caption", "text")


def by_caption(folder: str, captions: str = "") -> dict[str, Path]:
    """The images of a folder by their captions; of several for one caption the first by name.

    Args:
        folder: with images, also in folders below it.
        captions: a table of all captions, JSONL or CSV with `file` and `caption`, which names files
            with or without their suffixes; by default each folder has its own.

    Raises:
        StudyError: the folder has no image, or none has a caption.
    """
    images = _images(folder)
    known = read_table(Path(captions)) if captions else _own_captions(Path(folder), images)
    found: dict[str, Path] = {}
    for name, path in images.items():
        caption = known.get(name) or known.get(_stem(name))
        if caption:
            found.setdefault(caption, path)
    if not found:
        raise StudyError(
            f"{folder}: none of {len(images)} images has a caption; write a `.txt` beside each, "
            f"or a table `{TABLES[0]}` of `file` and `caption`, or give it as `--captions`"
        )
    return found


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


def _images(folder: str) -> dict[str, Path]:
    root = Path(folder)
    if not root.is_dir():
        raise StudyError(f"{folder}: no folder of images is there")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise StudyError(f"{folder}: no image is in it ({', '.join(IMAGE_SUFFIXES)})")
    return {str(path.relative_to(root)): path for path in paths}


def _own_captions(root: Path, images: Mapping[str, Path]) -> dict[str, str]:
    table = next((root / name for name in TABLES if (root / name).is_file()), None)
    if table:
        return read_table(table)
    beside = {name: path.with_suffix(".txt") for name, path in images.items()}
    return {
        name: one_line(path.read_text("utf-8", "replace"))
        for name, path in beside.items()
        if path.is_file()
    }


def _stem(name: str) -> str:
    path = Path(name)
    return str(path.with_suffix("")) if path.suffix.lower() in IMAGE_SUFFIXES else name
