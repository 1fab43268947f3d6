"""Adds the bytes of its images to one shard of captions; each image is fetched once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.files import sha256
from dalle_model.shards import image_of
from pipelines.fetch.backends.chosen import fetch_images
from pipelines.fetch.blocklists import Blocked, read_blocklists
from pipelines.fetch.buckets import Outcome, host_of, unpack_outcomes
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.judge import Judge
from pipelines.fetch.retry import dropped_rows, with_finished
from pipelines.io import parquet
from pipelines.io.aside import ByteRange, take_back
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CAPTIONS, FETCHED_SCHEMA
from pipelines.rejection import Check, Rejection, reject
from pipelines.stage import Runtime
from pipelines.web.failures import FetchFailure, Reason

Row = dict[str, Any]
Found = bytes | Check  # the bytes of an image, or why it has none that may be kept
_HOSTS_NAMED = 10  # in a warning; chosen: as many as one reads


def fetch_shard(task: StageTask, index: int, config: FetchConfig, runtime: Runtime) -> ShardResult:
    """Fetch the images of one shard, each image once.

    Rows whose source supplied the bytes need no download. An image that cannot be fetched rejects
    each of its rows, with the class of the failure as the reason.

    Raises:
        UnreadableShardError: the captions shard, or the finished one of a retry, is missing or
            corrupt.
        BlocklistError: a list cannot be read, or a line of it is no entry.
    """
    rows = read_rows(task, index)
    blocked = read_blocklists(config.blocklists, task.fingerprint)
    allowed, refused = _sorted_out(images_to_fetch(rows), blocked)
    fetched = fetch_images(allowed, config, runtime, blocked.refuses)
    found = {
        key: _check(outcome) if isinstance(outcome, FetchFailure) else outcome
        for key, outcome in fetched.items()
    }
    return _result(task, index, rows, found | refused, Judge(blocked), blocked)


def wanted_images(task: StageTask, index: int, config: FetchConfig) -> dict[str, str]:
    """The URLs of the images of one shard that are to be requested, by the image's part of the key.

    Raises:
        UnreadableShardError, BlocklistError: as `fetch_shard`.
    """
    blocked = read_blocklists(config.blocklists, task.fingerprint)
    rows = read_rows(task, index, ["key", "url", "encoded"])
    return _sorted_out(images_to_fetch(rows), blocked)[0]


def complete_shard(
    task: StageTask, index: int, packed: list[bytes], config: FetchConfig
) -> ShardResult:
    """One shard whose images have been fetched: the same as `fetch_shard` makes.

    Args:
        task: the stage's work.
        index: of the shard.
        packed: the outcomes of all its images, as `pack_outcomes` packs them, in any order.
        config: limits and policy.

    Raises:
        UnreadableShardError, BlocklistError: as `fetch_shard`.
        FileNotFoundError: a file with bytes is gone.
    """
    rows = read_rows(task, index)
    blocked = read_blocklists(config.blocklists, task.fingerprint)
    refused = _sorted_out(images_to_fetch(rows), blocked)[1]
    found = _taken_back(outcome for part in packed for outcome in unpack_outcomes(part))
    judge = Judge(blocked, judged=found.keys())
    return _result(task, index, rows, found | refused, judge, blocked)


def read_rows(task: StageTask, index: int, columns: list[str] | None = None) -> pa.Table:
    """The captions of one shard; in a retry those whose rows were dropped for its reasons."""
    captions = parquet.read_table(task.input(CAPTIONS).part(index), columns)
    return dropped_rows(captions, task, index) if task.retried else captions


def images_to_fetch(rows: pa.Table) -> dict[str, str]:
    """URLs of the images whose rows carry no bytes, by the image's part of the key."""
    without = rows.filter(pc.is_null(rows["encoded"]))
    pairs = zip(without["key"].to_pylist(), without["url"].to_pylist(), strict=True)
    return {image_of(key): url for key, url in pairs}


def _result(
    task: StageTask,
    index: int,
    table: pa.Table,
    found: Mapping[str, Found],
    judge: Judge,
    blocked: Blocked,
) -> ShardResult:
    kept: list[Row] = []
    rejected: list[Rejection] = []
    for row in table.to_pylist():
        outcome = _outcome(row, found, blocked)
        if isinstance(outcome, Check):
            rejected.append(reject(row, task.stage, outcome))
        elif failed := judge.failed(row, outcome):
            rejected.append(reject(row, task.stage, failed))
        else:
            kept.append(_fetched_row(row, outcome))
    warnings = given_up_hosts(images_to_fetch(table), found)
    result = ShardResult(_table(kept), rejected, table.num_rows, judge.passed_over, warnings)
    return with_finished(result, task, index) if task.retried else result


def given_up_hosts(urls: Mapping[str, str], found: Mapping[str, Found]) -> list[str]:
    """A line that names the hosts put aside, those with the most images first; none without one."""
    hosts = Counter(
        host_of(urls[image])
        for image, outcome in found.items()
        if isinstance(outcome, Check) and outcome.reason == Reason.HOST_GIVEN_UP
    )
    if not hosts:
        return []
    worst = sorted(hosts.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{host} ({count:,})" for host, count in worst[:_HOSTS_NAMED])
    more = f" and {len(worst) - _HOSTS_NAMED:,} more" if len(worst) > _HOSTS_NAMED else ""
    return [f"hosts that kept failing, and images not requested of them: {named}{more}"]


def _sorted_out(urls: dict[str, str], blocked: Blocked) -> tuple[dict[str, str], dict[str, Found]]:
    """The images that may be requested, and the checks of those whose URL is on a list."""
    refused = {key: no for key, url in urls.items() if (no := blocked.refusal(url))}
    allowed = {key: url for key, url in urls.items() if key not in refused}
    return allowed, {key: _check(no) for key, no in refused.items()}


def _taken_back(outcomes: Iterable[Outcome]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    places: dict[str, ByteRange] = {}
    for outcome in outcomes:
        if outcome.reason:
            found[outcome.key] = Check(
                outcome.reason, False, outcome.measured, outcome.threshold, outcome.detail
            )
        else:
            places[outcome.key] = ByteRange(outcome.location, outcome.offset, outcome.length)
    return found | dict(take_back(places))


def _outcome(row: Row, found: Mapping[str, Found], blocked: Blocked) -> Found:
    if row["encoded"] is None:
        return found[image_of(row["key"])]
    refused = blocked.refusal(row["url"])
    return _check(refused) if refused else cast(bytes, row["encoded"])


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
