"""Rows as the fetch stage leaves them, and a shard of them for the images stage to read."""

import hashlib
from pathlib import Path

import pyarrow as pa

from dalle_model import files
from pipelines.images.shard import Row
from pipelines.io import parquet
from pipelines.io.keys import pair_key
from pipelines.io.task import StageTask
from pipelines.records import FETCHED, FETCHED_SCHEMA
from tests.support.tasks import stage_task


def fetched(url: str, caption: str, encoded: bytes) -> Row:
    return {
        "key": pair_key(url, caption),
        "url": url,
        "caption": caption,
        "page_url": "",
        "license": "",
        "source": "test",
        "name": "",
        "carried": "",
        "declared_hash": "",
        "encoded": encoded,
        "sha256": hashlib.sha256(encoded).hexdigest(),
    }


def write_fetched(tmp_path: Path, rows: list[Row]) -> StageTask:
    task = stage_task(tmp_path, "images")
    table = pa.Table.from_pylist(sorted(rows, key=lambda r: r["key"]), schema=FETCHED_SCHEMA)
    files.write_bytes(task.input(FETCHED).part(0), parquet.to_bytes(table))
    return task
