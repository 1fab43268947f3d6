"""Adds the bytes of its images to one shard of captions; each image is fetched once."""

from typing import Any

import pyarrow as pa

from dalle_model.files import sha256
from dalle_model.shards import image_of
from pipelines.fetch.backends.native import fetch_images
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.declared import DRIFTED, differing_hash, is_perceptual
from pipelines.io import parquet
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CAPTIONS, FETCHED_SCHEMA
from pipelines.rejection import Check, Rejection, reject
from pipelines.stage import Runtime
from pipelines.web.failures import FetchFailure

Row = dict[str, Any]


def fetch_shard(task: StageTask, index: int, config: FetchConfig, runtime: Runtime) -> ShardResult:
    """Fetch the images of one shard.

    Rows whose source supplied the bytes need no download. An image that cannot be fetched rejects
    each of its rows, with the class of the failure as the reason.

    Raises:
        UnreadableShardError: the captions shard is missing or corrupt.
    """
    rows = parquet.read_table(task.input(CAPTIONS).part(index)).to_pylist()
    return fetch_rows(rows, task.stage, config, runtime)


def fetch_rows(rows: list[Row], stage: str, config: FetchConfig, runtime: Runtime) -> ShardResult:
    """Fetch the images of some rows of one shard, each image once.

    Args:
        rows: in `CAPTION_SCHEMA`; each of one image has the same outcome.
        stage: name for the rejections.
        config: limits and policy.
        runtime: where it runs.
    """
    fetched = fetch_images(images_to_fetch(rows), config, runtime)
    kept: list[Row] = []
    rejected: list[Rejection] = []
    num_drifted = 0
    for row in rows:
        outcome = fetched[image_of(row["key"])] if row["encoded"] is None else row["encoded"]
        if isinstance(outcome, FetchFailure):
            rejected.append(reject(row, stage, _check(outcome)))
            continue
        differing = differing_hash(row["declared_hash"], outcome)
        if differing is not None and not is_perceptual(row["declared_hash"]):
            rejected.append(reject(row, stage, differing))
            continue
        num_drifted += differing is not None
        kept.append(_fetched_row(row, outcome))
    drifted = {DRIFTED: num_drifted} if num_drifted else {}
    return ShardResult(_table(kept), rejected, rows_in=len(rows), passed_over=drifted)


def images_to_fetch(rows: list[Row]) -> dict[str, str]:
    """URLs of the images whose rows carry no bytes, by the image's part of the key."""
    return {image_of(row["key"]): row["url"] for row in rows if row["encoded"] is None}


def _check(failure: FetchFailure) -> Check:
    return Check(
        failure.reason.value,
        passed=False,
        measured=failure.measured,
        threshold=failure.threshold,
        detail=failure.detail,
    )


def _fetched_row(row: Row, encoded: bytes) -> Row:
    kept = {name: row[name] for name in FETCHED_SCHEMA.names if name in row}
    return kept | {"encoded": encoded, "sha256": sha256(encoded)}


def _table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=FETCHED_SCHEMA)
