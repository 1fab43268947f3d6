"""Adds the bytes of its images to one shard of captions; each image is fetched once."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.files import sha256
from dalle_model.shards import image_of
from pipelines.fetch.backends.chosen import fetch_images
from pipelines.fetch.blocklists import Blocked, blocked_of
from pipelines.fetch.bodies import Bodies, Source, bodies_at
from pipelines.fetch.buckets import Outcome, host_of, unpack_outcomes
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.judge import Judge
from pipelines.fetch.retry import dropped_keys, with_finished
from pipelines.fetch.reuse import Before
from pipelines.io import parquet
from pipelines.io.aside import ByteRange
from pipelines.io.batches import RowBatch
from pipelines.io.refusals import REMOVED
from pipelines.io.supplied import SuppliedImages
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.records import CANDIDATES, CAPTIONS, FETCHED_SCHEMA
from pipelines.rejection import Check, reject
from pipelines.stage import Runtime
from pipelines.web.failures import FetchFailure, Reason

Row = dict[str, Any]
_HOSTS_NAMED = 10  # in a warning; chosen: as many as one reads


@dataclass(frozen=True)
class _Found:
    """What is known of the images of one shard that no source supplied, by their part of the key.

    Args:
        urls: of all of them.
        checks: those that failed.
        bodies: the bytes of all others.
        before: those that an earlier result knew.
    """

    urls: Mapping[str, str]
    checks: Mapping[str, Check]
    bodies: Source
    before: Before


def fetch_shard(
    task: StageTask, index: int, config: FetchConfig, runtime: Runtime
) -> BatchedResult:
    """Fetch the images of one shard, each image once.

    Rows whose source supplied the bytes need no download: the candidates hold them. An image that
    cannot be fetched rejects each of its rows, with the class of the failure as the reason. All
    images are fetched by this call; the batches bring them to their rows.

    Raises:
        UnreadableShardError: the captions shard, or the finished one of a retry, is missing or
            corrupt; by this call or by the batches.
        BlocklistError: a list cannot be read, or a line of it is no entry.
    """
    blocked = blocked_of(task, config.blocklists)
    urls = _urls(task, index, blocked)
    allowed, refused, before = _sorted_out(task, index, urls, blocked)
    bodies = Bodies(task.folder.progress, blocked.of_bytes)
    failures = fetch_images(allowed, config, runtime, bodies, blocked.refuses)
    checks = {key: _check(failure) for key, failure in failures.items()} | bodies.refused
    known = before.joined(bodies, task, index)
    found = _Found(urls, {**before.checks, **checks, **refused}, known, before)
    return _result(task, index, found, Judge(blocked, judged=bodies.written), blocked)


def wanted_images(task: StageTask, index: int, config: FetchConfig) -> dict[str, str]:
    """The URLs of the images of one shard that are to be requested, by the image's part of the key.

    Raises:
        UnreadableShardError, BlocklistError: as `fetch_shard`.
    """
    blocked = blocked_of(task, config.blocklists)
    return _sorted_out(task, index, _urls(task, index, blocked), blocked)[0]


def complete_shard(
    task: StageTask, index: int, packed: Iterable[bytes], config: FetchConfig
) -> BatchedResult:
    """One shard whose images have been fetched: the same as `fetch_shard` makes.

    Args:
        task: the stage's work.
        index: of the shard.
        packed: the outcomes of all its images, as `pack_outcomes` packs them, in any order.
        config: limits and policy.

    Raises:
        UnreadableShardError, BlocklistError: as `fetch_shard`.
        FileNotFoundError: a file with bytes is gone; by this call or by the batches.
    """
    blocked = blocked_of(task, config.blocklists)
    urls = _urls(task, index, blocked)
    _, refused, before = _sorted_out(task, index, urls, blocked)
    checks = {**before.checks, **refused}
    places: dict[str, ByteRange] = {}
    for outcome in chain.from_iterable(map(unpack_outcomes, packed)):
        if outcome.reason:
            checks[outcome.key] = _noted(outcome)
        else:
            places[outcome.key] = ByteRange(outcome.location, outcome.offset, outcome.length)
    bodies = before.joined(bodies_at(places, task.folder.progress), task, index)
    found = _Found(urls, checks, bodies, before)
    return _result(task, index, found, Judge(blocked, judged=places), blocked)


def read_captions(
    task: StageTask, index: int, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """The captions of one shard; in a retry those whose rows were dropped for its reasons."""
    tables = parquet.read_row_groups(task.input(CAPTIONS).part(index), columns)
    if not task.retried:
        return tables
    keys = dropped_keys(task, index)
    return (table.filter(pc.is_in(table["key"], keys)) for table in tables)


def images_to_fetch(rows: pa.Table) -> dict[str, str]:
    """URLs of the images that no source supplied, by the image's part of the key."""
    without = rows.filter(pc.is_null(rows["sha256"]))
    pairs = zip(without["key"].to_pylist(), without["url"].to_pylist(), strict=True)
    return {image_of(key): url for key, url in pairs}


def _urls(task: StageTask, index: int, blocked: Blocked) -> dict[str, str]:
    """The URLs of images that no source supplied and that a pair needs which was not removed."""
    found: dict[str, str] = {}
    for table in read_captions(task, index, ["key", "url", "sha256"]):
        found |= images_to_fetch(_without_removed(table, blocked))
    return found


def _without_removed(rows: pa.Table, blocked: Blocked) -> pa.Table:
    if not blocked.removed:
        return rows
    wanted = [not blocked.removed.has_key(key) for key in rows["key"].to_pylist()]
    return rows.filter(pa.array(wanted, pa.bool_()))


def _result(
    task: StageTask, index: int, found: _Found, judge: Judge, blocked: Blocked
) -> BatchedResult:
    result = BatchedResult(FETCHED_SCHEMA, _batches(task, index, found, judge, blocked))
    return with_finished(result, task, index) if task.retried else result


def _batches(
    task: StageTask, index: int, found: _Found, judge: Judge, blocked: Blocked
) -> Iterator[ShardResult]:
    batch = RowBatch(FETCHED_SCHEMA)
    supplied = SuppliedImages(task.input(CANDIDATES).part(index))
    holder = ""  # the image of the last row with bytes
    with closing(found.bodies):
        body = lru_cache(maxsize=1)(found.bodies.read)  # the captions of an image follow each other
        for table in read_captions(task, index):
            batch.rows_in += table.num_rows
            for row in parquet.rows_of(table):
                encoded = _encoded(row, found.checks, body, blocked, supplied)
                batch.reused += row["sha256"] is None and found.before.knows(image_of(row["key"]))
                failed = encoded if isinstance(encoded, Check) else judge.failed(row, encoded)
                if failed is None:
                    image = image_of(row["key"])
                    kept = _fetched_row(row, cast(bytes, encoded), is_held=image == holder)
                    holder = image if kept["encoded"] is not None else holder
                    batch.keep(kept)
                else:
                    batch.drop(reject(row, task.stage, failed))
                if batch.is_full:
                    yield batch.take()
    warnings = given_up_hosts(found.urls, found.checks)
    yield batch.take(passed_over=judge.passed_over, warnings=warnings)


def given_up_hosts(urls: Mapping[str, str], checks: Mapping[str, Check]) -> list[str]:
    """A line that names the hosts put aside, those with the most images first; none without one."""
    hosts = Counter(
        host_of(urls[image])
        for image, check in checks.items()
        if check.reason == Reason.HOST_GIVEN_UP
    )
    if not hosts:
        return []
    worst = sorted(hosts.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{host} ({count:,})" for host, count in worst[:_HOSTS_NAMED])
    more = f" and {len(worst) - _HOSTS_NAMED:,} more" if len(worst) > _HOSTS_NAMED else ""
    return [f"hosts that kept failing, and images not requested of them: {named}{more}"]


def _sorted_out(
    task: StageTask, index: int, urls: dict[str, str], blocked: Blocked
) -> tuple[dict[str, str], dict[str, Check], Before]:
    """Images to be requested, checks of those whose URL is on a list, and what is known before."""
    refused = {key: no for key, url in urls.items() if (no := blocked.refusal(url))}
    allowed = {key: url for key, url in urls.items() if key not in refused}
    before = Before.of(task, index).among(allowed)
    asked = {key: url for key, url in allowed.items() if not before.knows(key)}
    return asked, {key: _check(no) for key, no in refused.items()}, before


def _encoded(
    row: Row,
    checks: Mapping[str, Check],
    body: Callable[[str], bytes],
    blocked: Blocked,
    supplied: SuppliedImages,
) -> bytes | Check:
    """The bytes of a row's image, or why it has none that may be kept."""
    if blocked.removed and blocked.removed.has_key(row["key"]):
        return Check(REMOVED, passed=False)
    if row["sha256"] is None:
        image = image_of(row["key"])
        return checks.get(image) or body(image)
    refused = blocked.refusal(row["url"])
    return _check(refused) if refused else supplied.read(row["key"], row["sha256"])


def _noted(outcome: Outcome) -> Check:
    return Check(outcome.reason, False, outcome.measured, outcome.threshold, outcome.detail)


def _check(failure: FetchFailure) -> Check:
    return Check(
        failure.reason.value,
        passed=False,
        measured=failure.measured,
        threshold=failure.threshold,
        detail=failure.detail,
    )


def _fetched_row(row: Row, encoded: bytes, *, is_held: bool) -> Row:
    """The row with its bytes, unless the candidates or a row of its image hold them."""
    kept = {name: row[name] for name in FETCHED_SCHEMA.names if name in row}
    if row["sha256"] is not None:
        return kept | {"encoded": None}
    return kept | {"encoded": None if is_held else encoded, "sha256": sha256(encoded)}
