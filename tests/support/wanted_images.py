"""Shards of captions whose images are somewhere on a web, for the stage that fetches them."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from dalle_model import files
from pipelines.io import parquet
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.task import StageTask
from pipelines.records import CAPTION_SCHEMA, CAPTIONS


def write_wanted(task: StageTask, urls: Iterable[str]) -> None:
    """Write the captions of a task, one for each URL."""
    shards: list[list[dict[str, Any]]] = [[] for _ in range(task.num_shards)]
    for url in urls:
        key = pair_key(url, url)
        row: dict[str, Any] = dict.fromkeys(CAPTION_SCHEMA.names, "") | {"sha256": None}
        row |= {"key": key, "url": url, "caption": url}
        shards[shard_of(key, task.num_shards)].append(row)
    for index, rows in enumerate(shards):
        rows.sort(key=lambda row: row["key"])
        table = pa.Table.from_pylist(rows, schema=CAPTION_SCHEMA)
        files.write_bytes(task.input(CAPTIONS).part(index), parquet.to_bytes(table))
