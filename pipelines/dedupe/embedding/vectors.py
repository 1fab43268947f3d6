"""Vectors of images as whole numbers, noted by shard so that no image is embedded twice.

Whole numbers make every product exact: whatever adds them up, in any order, finds the same, so that
neither the number of workers nor the processor changes which images are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from dalle_model.clip.scorer import ScorerError
from dalle_model.pixels import Rgb, from_stored
from dalle_model.shards import image_of
from pipelines.dedupe.keys import IMAGE_FIELDS, Records, image_digits, parse_hex
from pipelines.io.embedders import load_embedder
from pipelines.io.parquet import read_table, rows_of, to_bytes
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import StageTask

# Shape letters: N images, D values of a vector.

# What length 1 is. A product of two vectors, and each part of its sum, stays below 2**24, up to
# which float32 holds whole numbers, for D up to 36,000. Chosen: the largest round number that does;
# cosines are then 1e-4 off.
SCALE = 4000
EMBEDDED_AT_ONCE = 64  # images; chosen: 13 MB of 256 px
_LENGTH_ERROR = 0.01  # of a vector that is to be of length 1
_NOTE = "vectors"

RANKED_DTYPE = np.dtype([*IMAGE_FIELDS, ("area", "<u8"), ("run", "u1")])

Values = npt.NDArray[np.int16]  # (N, D)
Embed = Callable[[Sequence[Rgb]], npt.NDArray[np.float32]]


class Vectors(NamedTuple):
    """Images and where they are in the space of an embedder.

    Args:
        images: `RANKED_DTYPE` `(N,)`.
        values: int16 `(N, D)`, of length `SCALE`; `(0, 0)` where there are none.
    """

    images: Records
    values: Values

    def take(self, rows: npt.NDArray[np.generic]) -> "Vectors":
        """Some of them, by number or mask."""
        return Vectors(self.images[rows], self.values[rows])


def embed_shard(task: StageTask, index: int, dropped: Records, scorer: str) -> int:
    """Note the vectors of the images of a shard that are left; how many these are.

    Args:
        task: of the stage.
        index: of the shard.
        dropped: `high` and `low` of the images that are not.
        scorer: name of the embedder.
    """
    url = task.note(index, _NOTE)
    if not files.exists(url):
        gone = {*image_digits(dropped)}
        table = _embedded(_images(task, index, gone), load_embedder(scorer).embed_images)
        files.write_bytes(url, to_bytes(table))
    return int(read_table(url, ["image"]).num_rows)


def read_vectors(task: StageTask, index: int) -> Vectors:
    """What is noted of a shard."""
    table = read_table(task.note(index, _NOTE))
    images = np.zeros(table.num_rows, RANKED_DTYPE)
    parsed = parse_hex(table["image"], np.dtype([("high", ">u8"), ("low", ">u4")]))
    images["high"], images["low"] = parsed["high"], parsed["low"]
    images["area"] = np.asarray(table["area"], np.uint64)
    content = b"".join(table["vector"].to_pylist())
    return Vectors(images, np.frombuffer(content, "<i2").reshape(len(images), -1 if content else 0))


def joined(parts: Sequence[Vectors]) -> Vectors:
    """The vectors of several shards, of which some may have none."""
    images = np.concatenate([np.empty(0, RANKED_DTYPE), *(part.images for part in parts)])
    values = [part.values for part in parts if len(part.values)]
    return Vectors(images, np.concatenate(values) if values else np.empty((0, 0), np.int16))


def whole_numbers(vectors: npt.NDArray[np.float32]) -> Values:
    """Vectors of length 1 as those of length `SCALE`; raises `ScorerError` for other lengths."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if not np.all(np.abs(lengths - 1) <= _LENGTH_ERROR):
        raise ScorerError(
            f"dedupe.embedding: vectors of the scorer have lengths of {lengths.min():.3g} to "
            f"{lengths.max():.3g}, not 1; `embed_images` is to divide them by it"
        )
    return np.rint(vectors.astype(np.float64) * SCALE).astype("<i2")


def _images(task: StageTask, index: int, gone: set[str]) -> Iterator[dict[str, Any]]:
    """The first row of each image of a shard that is not gone."""
    last = ""
    for table in surviving_row_groups(task, index, ["key", "image", "width", "height"]):
        for row in rows_of(table):
            image = image_of(row["key"])
            if image != last and image not in gone:
                yield row
            last = image


def _embedded(rows: Iterator[dict[str, Any]], embed: Embed) -> pa.Table:
    images, areas, vectors = list[str](), list[int](), list[bytes]()
    while batch := list(islice(rows, EMBEDDED_AT_ONCE)):
        images += [image_of(row["key"]) for row in batch]
        areas += [row["width"] * row["height"] for row in batch]
        found = embed([from_stored(row["image"]) for row in batch])
        vectors += [row.tobytes() for row in whole_numbers(found)]
    return pa.table(
        [
            pa.array(images, pa.string()),
            pa.array(areas, pa.uint64()),
            pa.array(vectors, pa.binary()),
        ],
        names=["image", "area", "vector"],
    )
