"""Images to train a codec on: from a run of the pipelines, or from a folder of image files."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from PIL import Image

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.pixels import Rgb, from_png, square
from dalle_model.shards import IMAGE_DIGITS, image_of

HELD_OUT_DIGIT = "f"  # chosen: one image in 16, and whatever joins a run later moves no other one
FORMATS = ["PNG", "JPEG", "WEBP", "GIF"]


class ImagesError(DalleError):
    """There are no images to train on: where they were looked for, and what to do."""


@dataclass(frozen=True)
class Images:
    """Distinct images in the order of their names.

    Args:
        names: 24 hex digits each, the image's part of its key.
        rgb: uint8 `(N, side, side, 3)`.
    """

    names: list[str]
    rgb: Rgb

    def split(self) -> tuple[Rgb, Rgb]:
        """Images to train on, and those held out, told apart by their names alone."""
        held_out = np.array([name.endswith(HELD_OUT_DIGIT) for name in self.names], bool)
        return self.rgb[~held_out], self.rgb[held_out]


def read_images(url: str, side: int) -> Images:
    """Squares of all images of a run, or of a folder of image files.

    Args:
        url: of a run directory, where dedupe's survivors of the stage `images` are read (all of
            its images where dedupe has not run yet), or of a folder.
        side: edge of the squares, in pixels; smaller images of a folder are left out.

    Returns:
        Each image once: equal squares keep the lowest name.

    Raises:
        ImagesError: there are none.
    """
    is_run = files.exists(files.join(url, "images"))
    named = _run_squares(url, side) if is_run else _folder_squares(url, side)
    squares: dict[str, Rgb] = dict(sorted(named, key=lambda pair: pair[0]))
    if not squares:
        raise ImagesError(f"no images of {side} px or more in {url}; `dalle run images` makes them")
    names, rgb = list(squares), np.stack(list(squares.values()))
    first = _first_of_each(rgb)
    return Images([names[i] for i in first], rgb[first])


def _first_of_each(rgb: Rgb) -> npt.NDArray[np.int64]:
    digests: dict[bytes, int] = {}
    for index, image in enumerate(rgb):
        digests.setdefault(blake2b(image.tobytes()).digest(), index)
    return np.array(sorted(digests.values()), np.int64)


def _run_squares(run: str, side: int) -> Iterator[tuple[str, Rgb]]:
    for name in files.list_names(files.join(run, "images")):
        if not name.startswith("part-"):
            continue
        survivors = _survivors(files.join(run, "dedupe", name))
        seen = set()
        for row in _rows(files.join(run, "images", name), ["key", "png"]):
            image = image_of(row["key"])
            if image not in seen and (survivors is None or row["key"] in survivors):
                seen.add(image)
                yield image, square(from_png(row["png"]), side)


def _survivors(url: str) -> set[str] | None:
    return {row["key"] for row in _rows(url, ["key"])} if files.exists(url) else None


def _rows(url: str, columns: list[str]) -> list[dict[str, Any]]:
    with files.open_read(url) as stream:
        table = pq.read_table(stream, columns=columns, page_checksum_verification=True)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _folder_squares(url: str, side: int) -> Iterator[tuple[str, Rgb]]:
    for name in files.list_names(url):
        if name.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".gif")):
            content = files.read_bytes(files.join(url, name))
            image = _on_white(content)
            if min(image.size) >= side:
                digest = blake2b(content, digest_size=IMAGE_DIGITS // 2).hexdigest()
                yield digest, square(image, side)


def _on_white(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert("RGB")
