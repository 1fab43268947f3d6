"""What has been drawn, as files: a sheet, and on request each image and what it scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dalle_model import files
from dalle_model.pixels import Rgb, to_png
from orchestration.drawing.choice import Row

ACROSS = 16  # images beside each other; chosen: what fits a screen
SHEET, FACTS = "sheet.png", "samples.json"  # in a folder


@dataclass(frozen=True)
class Drawn:
    """What a command has drawn.

    Args:
        sheet: URL of the PNG that shows all of it.
        facts: URL of the JSON that says what the images are; empty where none was asked for.
        notes: what else there is to know, for a person.
    """

    sheet: str
    facts: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        facts = [f"facts    {self.facts}"] if self.facts else []
        return "\n".join([*self.notes, f"images   {self.sheet}", *facts])


def write_drawn(
    rows: Sequence[Row],
    out: str,
    about: dict[str, Any],
    first: tuple[Rgb, str] | None = None,
    *,
    writes_json: bool = False,
    notes: tuple[str, ...] = (),
) -> Drawn:
    """Write a sheet, with a row for each of `rows`.

    Args:
        rows: of one caption each.
        out: URL of a PNG; or of a folder, if it is one or ends with `/`, which gets the sheet, each
            image as a PNG, and a JSON of what they are.
        about: how they were drawn, for the JSON.
        first: an image that each row begins with, and the note below it.
        writes_json: whether the JSON is written beside a PNG, too.
        notes: of `Drawn`.
    """
    is_folder = out.endswith("/") or files.is_folder(out)
    sheet = files.join(out.rstrip("/"), SHEET) if is_folder else out
    facts = files.join(out.rstrip("/"), FACTS) if is_folder else f"{out.removesuffix('.png')}.json"
    listed = [_facts(row, index, is_folder) for index, row in enumerate(rows)]
    if is_folder:
        for row, said in zip(rows, listed, strict=True):
            for image, one in zip(row.images, said["images"], strict=True):
                files.write_bytes(files.join(out.rstrip("/"), one["file"]), to_png(image))
    if is_folder or writes_json:
        files.write_json(facts, about | {"rows": listed})
    files.write_bytes(sheet, to_png(_sheet(rows, first)))
    return Drawn(sheet, facts if is_folder or writes_json else "", notes)


def _facts(row: Row, index: int, is_folder: bool) -> dict[str, Any]:
    images = [{"number": number} for number in row.numbers]
    for one, score in zip(images, row.scores, strict=False):
        one["score"] = round(score, 6)
    if is_folder:
        for one in images:
            one["file"] = f"{index:03}-{one['number']:03}.png"
    return {"prior": row.prior, "caption": row.caption, "images": images}


def _sheet(rows: Sequence[Row], first: tuple[Rgb, str] | None) -> Rgb:
    from dalle_model.sample.grid import image_grid

    several = len({row.prior for row in rows}) > 1
    images, captions, notes = [], [], []
    for row in rows:
        below = [f"{score:.3f}" for score in row.scores] or [""] * len(row.images)
        shown, label = row.images, f"{row.prior}: {row.caption}" if several else row.caption
        if first is not None:
            shown, below = np.concatenate([first[0][None], shown]), [first[1], *below]
        for start in range(0, len(shown), ACROSS):
            images.append(shown[start : start + ACROSS])
            notes.append(below[start : start + ACROSS])
            captions.append("" if start else label)
    return np.asarray(image_grid(images, captions, notes=notes if any(map(any, notes)) else ()))
