"""Adds the bytes of its images to one shard of captions; each image is fetched once."""

from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from dalle_model.files import sha256
from dalle_model.shards import image_of
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.schedule import run_by_host
from pipelines.io import parquet
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CAPTIONS, FETCHED_SCHEMA
from pipelines.rejection import Check, Rejection, reject
from pipelines.stage import Runtime
from pipelines.web.answers import Response
from pipelines.web.client import shared_client
from pipelines.web.failures import FetchFailure
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings

Row = dict[str, Any]


def fetch_shard(task: StageTask, index: int, config: FetchConfig, runtime: Runtime) -> ShardResult:
    """Fetch the images of one shard.

    Rows whose source supplied the bytes need no download. An image that cannot be fetched rejects
    each of its rows, with the class of the failure as the reason.

    Raises:
        UnreadableShardError: the captions shard is missing or corrupt.
    """
    rows = parquet.read_table(task.input(CAPTIONS).part(index)).to_pylist()
    fetched = fetch_images(images_to_fetch(rows), config, runtime)
    kept: list[Row] = []
    rejected: list[Rejection] = []
    for row in rows:
        outcome = fetched[image_of(row["key"])] if row["encoded"] is None else row["encoded"]
        if isinstance(outcome, FetchFailure):
            rejected.append(reject(row, task.stage, _check(outcome)))
        else:
            kept.append(_fetched_row(row, outcome))
    return ShardResult(_table(kept), rejected, rows_in=len(rows))


def images_to_fetch(rows: list[Row]) -> dict[str, str]:
    """URLs of the images whose rows carry no bytes, by the image's part of the key."""
    return {image_of(row["key"]): row["url"] for row in rows if row["encoded"] is None}


def fetch_images(
    urls: dict[str, str], config: FetchConfig, runtime: Runtime
) -> dict[str, bytes | FetchFailure]:
    """Fetch each image once, many at a time.

    Args:
        urls: by the image's part of the key.
        config: limits and policy.
        runtime: access to loopback and the number of processes.

    Returns:
        The bytes as served, or the failure, by the image's part of the key.
    """
    client = shared_client(http_settings(config, runtime.workers), runtime.loopback)

    def work(image_key: str) -> bytes | FetchFailure:
        result = client.fetch(urls[image_key])
        return result.body if isinstance(result, Response) else result

    jobs = ((urlsplit(url).hostname or "", image_key) for image_key, url in sorted(urls.items()))
    return run_by_host(jobs, work, config.concurrency, config.per_host_concurrency)


def http_settings(config: FetchConfig, num_workers: int) -> HttpSettings:
    """The settings of the stage as the HTTP client takes them."""
    return HttpSettings(
        user_agent=config.user_agent,
        timeout_s=config.timeout_s,
        max_bytes=config.max_bytes,
        max_redirects=config.max_redirects,
        retries=config.retries,
        backoff_s=config.backoff_s,
        connections=config.concurrency,
        pace=PaceSettings(config.per_host_concurrency, config.per_host_delay_s, num_workers),
        obeys_robots=config.obeys_robots,
        honours_opt_out=config.honours_opt_out,
    )


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
