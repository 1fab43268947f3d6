"""The images of one fetched shard: decoded in a sandbox, described, and stored at a small size."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pyarrow as pa

from pipelines.images.config import ImagesConfig
from pipelines.images.declared import is_another
from pipelines.images.hashes import describe
from pipelines.images.measure import Measured
from pipelines.images.sandbox.sandbox import Sandbox, shared_sandbox
from pipelines.images.store import STORES
from pipelines.io import parquet
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import FETCHED, IMAGE_SCHEMA
from pipelines.rejection import Check, Rejection, reject

BATCH_ROWS = 64  # rows held as Python objects at a time; chosen: some 10 MB of encoded images

COMPARED = 64  # chosen: of a million images enough for a share to a thousandth, at 1 % of the work

Row = dict[str, Any]


def process_shard(
    task: StageTask, index: int, config: ImagesConfig, sandbox: Sandbox | None = None
) -> ShardResult:
    """Keep what can be used of a fetched shard; an image with several captions is decoded once.

    Args:
        task: of the stage.
        index: of the shard.
        config: of the stage.
        sandbox: that decodes; by default that of this process.

    Raises:
        SandboxError: the process that decodes cannot be started.
        UnreadableShardError: the fetched shard is missing or corrupt.
    """
    fetched = parquet.read_table(task.input(FETCHED).part(index))
    sandbox = shared_sandbox() if sandbox is None else sandbox
    kept: list[Row] = []
    rejected: list[Rejection] = []
    limit = config.max_declared_hamming
    cpu_s = 0.0
    for encoded, rows in _by_image(fetched):
        compares = config.decode == "scaled" and is_compared(rows[0]["sha256"])
        answer = sandbox.measure(encoded, config, compares)
        cpu_s += answer.cpu_s
        if isinstance(answer.outcome, Check):
            rejected += [reject(row, task.stage, answer.outcome) for row in rows]
            continue
        added = columns(answer.outcome, config)
        for row in rows:
            if another := is_another(row["declared_hash"], added["phash"], encoded, limit):
                rejected.append(reject(row, task.stage, another))
            else:
                kept.append(row | added)
    table = pa.Table.from_pylist(kept, schema=IMAGE_SCHEMA)
    return ShardResult(table, rejected, rows_in=fetched.num_rows, cpu_s=cpu_s)


def columns(found: Measured, config: ImagesConfig) -> Row:
    """The columns that this stage adds for an image."""
    stored_as = STORES[config.store]
    return {
        "image": stored_as(found.stored),
        "full_image": None if found.full is None else stored_as(found.full),
        "width": found.width,
        "height": found.height,
        "pixel_hash": found.pixel_hash,
        **describe(found.stored),
    }


def is_compared(sha256: str) -> bool:
    """Whether an image is of those that are decoded in full as well: one in 64, by its digest."""
    return int(sha256[:8], 16) % COMPARED == 0


def _by_image(fetched: pa.Table) -> Iterator[tuple[bytes, list[Row]]]:
    """The bytes of each distinct image with its rows, which no longer carry them."""
    batches = fetched.to_batches(max_chunksize=BATCH_ROWS)
    rows = (row for batch in batches for row in batch.to_pylist())
    for _, group in groupby(rows, key=lambda row: row["sha256"]):
        shared = list(group)
        encoded = shared[0]["encoded"]
        yield encoded, [{k: v for k, v in row.items() if k != "encoded"} for row in shared]
