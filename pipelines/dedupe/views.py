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

NUM_VALUES = 24  # frequencies of a sketch: `pipelines.images.hashes.SKETCH_VALUES`
SKETCH_BYTES = NUM_VALUES + 10
THUMBNAIL_BYTES = 16 * 16 * 3

COLUMNS = ["key", "width", "height", "pixel_hash", "sketch"]

# A view of an image: the image itself, or what is inside its border.
VIEW_DTYPE = np.dtype(
    [
        *IMAGE_FIELDS,
        ("area", "<u8"),
        ("pixels", "<u8"),
        ("view", "u1"),
        ("values", "i1", (NUM_VALUES,)),
        ("reach", "i1"),
        ("aspect", "i1"),
        ("phash", ">u8"),
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


def read_images(table: pa.Table) -> ShardImages:
    """The images of a shard, of which those with equal pixels are reduced to the best one.

    Args:
        table: `COLUMNS`, sorted by key.
    """
    pairs = parse_hex(table["key"], PAIR_DTYPE)
    rows = first_rows(pairs)
    table, pairs = table.take(rows), pairs[rows]
    images = np.zeros(len(rows), EXACT_DTYPE)
    images["high"], images["low"] = pairs["high"], pairs["low"]
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
    content, offsets = _binary(table["thumbnail"])
    starts = offsets[rows] + wanted["view"].astype(np.int64) * THUMBNAIL_BYTES
    return np.asarray(content[starts[:, None] + np.arange(THUMBNAIL_BYTES)])


def _views(best: Records, rows: npt.NDArray[np.int64], sketches: pa.ChunkedArray) -> Records:
    content, offsets = _binary(sketches)
    counts = (offsets[rows + 1] - offsets[rows]) // SKETCH_BYTES
    of = np.repeat(np.arange(len(rows)), counts)
    number = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = offsets[rows[of]] + number * SKETCH_BYTES
    packed = np.ascontiguousarray(content[starts[:, None] + np.arange(SKETCH_BYTES)])
    views = np.zeros(len(of), VIEW_DTYPE)
    for name in ("high", "low", "area"):
        views[name] = best[name][of]
    views["pixels"], views["view"] = best["pixels"][of, 0], number
    views["values"] = packed[:, :NUM_VALUES].view(np.int8)
    views["reach"] = packed[:, NUM_VALUES].view(np.int8)
    views["aspect"] = packed[:, NUM_VALUES + 1].view(np.int8)
    views["phash"] = np.ascontiguousarray(packed[:, NUM_VALUES + 2 :]).view(">u8").ravel()
    return views


def _binary(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of a binary column, and where each value starts, and the last one ends."""
    array = column.cast(pa.large_binary()).combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = (
            pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.large_binary())
        )
    _, offsets, content = array.buffers()
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(content or b"", np.uint8), starts


def _integers(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return np.asarray(column.to_numpy(), np.uint64)
