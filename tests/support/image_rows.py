"""Rows as the images stage leaves them, and shards of them for the encode stage to read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model import files
from dalle_model.pixels import Rgb, to_png
from pipelines.io import parquet
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.sameness.hashes import SKETCH_BYTES, THUMBNAIL_BYTES
from tests.support.tasks import stage_task

Row = dict[str, Any]


def noise(seed: int, height: int = 16, width: int = 16) -> Rgb:
    """An image of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def row(
    number: int, caption: int = 0, image: bytes | None = None, width: int = 40, height: int = 30
) -> Row:
    return {
        "key": f"{number:024x}{caption:016x}",
        "url": f"http://x.test/{number}.png",
        "caption": f"caption {number} {caption}",
        "page_url": "http://x.test/",
        "license": "CC0",
        "source": "test",
        "name": f"{number}.png",
        "carried": "",
        "image": to_png(noise(number)) if image is None else image,
        "width": width,
        "height": height,
        "sha256": "0" * 64,
        "pixel_hash": "0" * 32,
        "phash": number,
        "sketch": bytes(SKETCH_BYTES),
        "thumbnail": bytes(THUMBNAIL_BYTES),
    }


def write_images(
    root: Path,
    rows: Sequence[Row],
    codec: str,
    num_shards: int = 1,
    keep: Sequence[Row] | None = None,
) -> StageTask:
    """Image shards with one selection of them, dealt out in turn; the task of the encode stage."""
    task = stage_task(root, "encode", num_shards, codec=codec)
    for index in range(num_shards):
        images = list(rows)[index::num_shards]
        kept = images if keep is None else keep
        survivors = [{name: r[name] for name in SELECTION_SCHEMA.names} for r in kept]
        for role, content, schema in (
            (IMAGES, images, IMAGE_SCHEMA),
            (SELECTION, survivors, SELECTION_SCHEMA),
        ):
            table = pa.Table.from_pylist(content, schema=schema)
            files.write_bytes(task.input(role).part(index), parquet.to_bytes(table))
    return task
