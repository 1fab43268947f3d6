"""Decodes and measures the images of one fetched shard, and stores them at a small size."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from dalle_model.pixels import Rgb, to_png
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.hashes import phash, pixel_hash
from pipelines.images.rules import UnusableImageError
from pipelines.io import parquet
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import FETCHED, IMAGE_SCHEMA
from pipelines.rejection import Check, Rejection, reject

BATCH_ROWS = 64  # rows held as Python objects at a time; chosen: some 10 MB of encoded images

Row = dict[str, Any]


def process_shard(task: StageTask, index: int, config: ImagesConfig) -> ShardResult:
    """Keep what can be used of a fetched shard; an image with several captions is decoded once.

    Raises:
        UnreadableShardError: the fetched shard is missing or corrupt.
    """
    fetched = parquet.read_table(task.input(FETCHED).part(index))
    kept: list[Row] = []
    rejected: list[Rejection] = []
    for encoded, rows in _by_image(fetched):
        outcome = measure_image(encoded, config)
        for row in rows:
            if isinstance(outcome, Check):
                rejected.append(reject(row, task.stage, outcome))
            else:
                kept.append(row | outcome)
    table = pa.Table.from_pylist(kept, schema=IMAGE_SCHEMA)
    return ShardResult(table, rejected, rows_in=fetched.num_rows)


def measure_image(encoded: bytes, config: ImagesConfig) -> Row | Check:
    """The columns that this stage adds for an image, or the rule that the image broke."""
    try:
        rgb = decode(encoded, config)
    except UnusableImageError as error:
        return error.check
    stored = shrink(rgb, config.side)
    return {
        "image": to_png(stored),
        "width": rgb.shape[1],
        "height": rgb.shape[0],
        "pixel_hash": pixel_hash(rgb),
        "phash": phash(stored),
    }


def shrink(rgb: Rgb, side: int) -> Rgb:
    """Scale the shorter edge down to `side` pixels, keeping the aspect; never up.

    Source: openai/DALL-E `notebooks/usage.ipynb`, `preprocess`: Lanczos.
    """
    height, width, _ = rgb.shape
    short = min(width, height)
    if short <= side:
        return rgb
    size = (round(width * side / short), round(height * side / short))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def _by_image(fetched: pa.Table) -> Iterator[tuple[bytes, list[Row]]]:
    """The bytes of each distinct image with its rows, which no longer carry them."""
    batches = fetched.to_batches(max_chunksize=BATCH_ROWS)
    rows = (row for batch in batches for row in batch.to_pylist())
    for _, group in groupby(rows, key=lambda row: row["sha256"]):
        shared = list(group)
        encoded = shared[0]["encoded"]
        yield encoded, [{k: v for k, v in row.items() if k != "encoded"} for row in shared]
