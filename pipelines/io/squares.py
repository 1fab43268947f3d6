"""Pixels of the images that survived, as a codec sees them, or as it is trained on them."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from dalle_model.config import FIRST_RESAMPLE, Resample
from dalle_model.cuts import Cut, Sizes, cut_out
from dalle_model.pixels import Rgb, from_stored
from dalle_model.resize import square
from dalle_model.shards import image_of
from dalle_model.train.images import Images, ImagesError, distinct_images
from pipelines.io.keys import shard_of
from pipelines.io.layout import StageFolder
from pipelines.io.parquet import read_row_groups, rows_of
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import StageTask
from pipelines.records import IMAGES


def surviving_squares(task: StageTask, side: int, resample: Resample = FIRST_RESAMPLE) -> Images:
    """Each image that survived once.

    Args:
        task: of a stage that reads the roles `images` and `selection`.
        side: edge of the squares, in pixels.
        resample: the filter, where images are stored larger.

    Raises:
        ImagesError: there are none.
    """
    squares = [(name, square(rgb, side, resample)) for name, rgb in surviving_images(task)]
    if not squares:
        raise ImagesError(f"no images survive in {task.url(IMAGES)}; `dalle report` shows why")
    return distinct_images(squares)


def surviving_images(task: StageTask) -> Iterator[tuple[str, Rgb]]:
    """Each image that survived once, as it is stored, with the image's part of its key."""
    for index in range(task.num_shards):
        seen = set()
        for row in _rows(surviving_row_groups(task, index, ["key", "image"])):
            image = image_of(row["key"])
            if image not in seen:
                seen.add(image)
                yield image, from_stored(row["image"])


def pixels_of(
    images: StageFolder, cuts: Sequence[tuple[str, Cut]], resample: Resample = FIRST_RESAMPLE
) -> list[Rgb]:
    """What cuts make of some rows of image shards, which are given by their keys."""
    wanted = {key for key, _ in cuts}
    rows: dict[str, dict[str, Any]] = {}
    for index in sorted({shard_of(key, images.num_shards) for key in wanted}):
        tables = read_row_groups(images.part(index), ["key", "image", "width", "height"])
        rows |= {row["key"]: row for row in _rows(tables) if row["key"] in wanted}
    return [_cut_out(rows[key], cut, resample) for key, cut in cuts]


def _cut_out(row: dict[str, Any], cut: Cut, resample: Resample) -> Rgb:
    rgb = from_stored(row["image"])
    return cut_out(rgb, cut, Sizes(row["width"], row["height"], *rgb.shape[1::-1]), resample)


def _rows(tables: Iterator[pa.Table]) -> Iterator[dict[str, Any]]:
    return chain.from_iterable(map(rows_of, tables))
