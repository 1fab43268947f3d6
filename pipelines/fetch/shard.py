"""Adds the bytes of its images to one shard of captions; each image is fetched once."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import pyarrow as pa

from dalle_model.files import sha256
from dalle_model.shards import image_of
from pipelines.fetch.backends.chosen import fetch_images
from pipelines.fetch.blocklists import Blocked, read_blocklists
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.judge import Judge
from pipelines.io import parquet
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CAPTIONS, FETCHED_SCHEMA
from pipelines.rejection import Check, Rejection, reject
from pipelines.stage import Runtime
from pipelines.web.failures import FetchFailure, Reason

Row = dict[str, Any]
Outcome = bytes | FetchFailure
_HOSTS_NAMED = 10  # in a warning; chosen: as many as one reads


def fetch_shard(task: StageTask, index: int, config: FetchConfig, runtime: Runtime) -> ShardResult:
    """Fetch the images of one shard.

    Rows whose source supplied the bytes need no download. An image that cannot be fetched rejects
    each of its rows, with the class of the failure as the reason.

    Raises:
        UnreadableShardError: the captions shard is missing or corrupt.
    """
    rows = parquet.read_table(task.input(CAPTIONS).part(index)).to_pylist()
    return fetch_rows(rows, task, config, runtime)


def fetch_rows(
    rows: list[Row], task: StageTask, config: FetchConfig, runtime: Runtime
) -> ShardResult:
    """Fetch the images of some rows of one shard, each image once.

    Args:
        rows: in `CAPTION_SCHEMA`.
        task: the stage's work.
        config: limits and policy.
        runtime: where it runs.

    Raises:
        BlocklistError: a list cannot be read, or a line of it is no entry.
    """
    blocked = read_blocklists(config.blocklists, task.fingerprint)
    fetched = _fetched(images_to_fetch(rows), config, runtime, blocked)
    judge = Judge(blocked)
    kept: list[Row] = []
    rejected: list[Rejection] = []
    for row in rows:
        outcome = _outcome(row, fetched, blocked)
        if isinstance(outcome, FetchFailure):
            rejected.append(reject(row, task.stage, _check(outcome)))
        elif failed := judge.failed(row, outcome):
            rejected.append(reject(row, task.stage, failed))
        else:
            kept.append(_fetched_row(row, outcome))
    warnings = given_up_hosts(rows, fetched)
    return ShardResult(_table(kept), rejected, len(rows), judge.passed_over, warnings)


def images_to_fetch(rows: list[Row]) -> dict[str, str]:
    """URLs of the images whose rows carry no bytes, by the image's part of the key."""
    return {image_of(row["key"]): row["url"] for row in rows if row["encoded"] is None}


def given_up_hosts(rows: list[Row], fetched: Mapping[str, bytes | FetchFailure]) -> list[str]:
    """A line that names the hosts put aside, those with the most images first; none without one."""
    urls = images_to_fetch(rows)
    hosts = Counter(
        urlsplit(urls[image]).hostname or ""
        for image, outcome in fetched.items()
        if isinstance(outcome, FetchFailure) and outcome.reason is Reason.HOST_GIVEN_UP
    )
    if not hosts:
        return []
    worst = sorted(hosts.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{host} ({count:,})" for host, count in worst[:_HOSTS_NAMED])
    more = f" and {len(worst) - _HOSTS_NAMED:,} more" if len(worst) > _HOSTS_NAMED else ""
    return [f"hosts that kept failing, and images not requested of them: {named}{more}"]


def _fetched(
    urls: dict[str, str], config: FetchConfig, runtime: Runtime, blocked: Blocked
) -> dict[str, Outcome]:
    """The outcome of each image; of a URL on a list, without a request."""
    refused = {key: no for key, url in urls.items() if (no := blocked.refusal(url))}
    allowed = {key: url for key, url in urls.items() if key not in refused}
    refuses = blocked.refusal if blocked.hosts or blocked.urls else None
    return fetch_images(allowed, config, runtime, refuses) | refused


def _outcome(row: Row, fetched: dict[str, Outcome], blocked: Blocked) -> Outcome:
    if row["encoded"] is None:
        return fetched[image_of(row["key"])]
    return blocked.refusal(row["url"]) or cast(bytes, row["encoded"])


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
