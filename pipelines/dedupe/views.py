"""What a shard says of its images, read off the columns that the images stage made."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedupe.exact import EXACT_DTYPE, reduce_equal
from pipelines.dedupe.keys import (
    IMAGE_FIELDS,
    PAIR_DTYPE,
    Records,
    find_images,
    first_rows,
    parse_hex,
)
from pipelines.sameness.hashes import SKETCH_VALUES
from pipelines.sameness.views import unpack_thumbnails, unpack_views

COLUMNS = ["key", "width", "height", "pixel_hash", "sketch"]
THUMBNAIL = "thumbnail"

# A view of an image: the image itself, or what is inside its border.
VIEW_DTYPE = np.dtype(
    [
        *IMAGE_FIELDS,
        ("area", "<u8"),
        ("pixels", "<u8"),
        ("view", "u1"),
        ("values", "i1", (SKETCH_VALUES,)),
        ("reach", "i1"),
        ("aspect", "i1"),
        ("phash", ">u8"),
        ("run", "u1"),
    ]
)


class ShardImages(NamedTuple):
    """The images of a shard.

    Args:
        best: `EXACT_DTYPE`: one of each pixel hash.
        verdicts: on the other ones.
        views: `VIEW_DTYPE`: of the best ones.
    """

    best: Records
    verdicts: Records
    views: Records


def read_images(table: pa.Table, run: int = 0) -> ShardImages:
    """The images of a shard, of which those with equal pixels are reduced to the best one.

    Args:
        table: `COLUMNS`, sorted by key.
        run: the number of the run that holds the shard.
    """
    pairs = parse_hex(table["key"], PAIR_DTYPE)
    rows = first_rows(pairs)
    table, pairs = table.take(rows), pairs[rows]
    images = np.zeros(len(rows), EXACT_DTYPE)
    images["high"], images["low"], images["run"] = pairs["high"], pairs["low"], run
    images["pixels"] = parse_hex(table["pixel_hash"], np.dtype((">u8", (2,)))).reshape(-1, 2)
    images["area"] = _integers(table["width"]) * _integers(table["height"])
    best, verdicts = reduce_equal(images)
    return ShardImages(best, verdicts, _views(best, find_images(best, images), table["sketch"]))


def thumbnails(wanted: Records, table: pa.Table) -> npt.NDArray[np.uint8]:
    """The thumbnails `(n, 768)` of the views wanted.

    Args:
        wanted: records with `high`, `low` and `view`; all of this shard.
        table: `key` and `thumbnail` of the shard, sorted by key.
    """
    pairs = parse_hex(table["key"], PAIR_DTYPE)
    firsts = first_rows(pairs)
    rows = firsts[find_images(wanted, pairs[firsts])]
    return unpack_thumbnails(table[THUMBNAIL], rows, wanted["view"].astype(np.int64))


def _views(best: Records, rows: npt.NDArray[np.int64], sketches: pa.ChunkedArray) -> Records:
    found = unpack_views(sketches, rows)
    views = np.zeros(len(found.rows), VIEW_DTYPE)
    for name in ("high", "low", "area", "run"):
        views[name] = best[name][found.rows]
    views["pixels"], views["view"] = best["pixels"][found.rows, 0], found.numbers
    for name in ("values", "reach", "aspect", "phash"):
        views[name] = getattr(found, name)
    return views


def _integers(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return np.asarray(column.to_numpy(), np.uint64)
