"""What is done with one shard: it says what it holds, judges its candidates, and is written.

A shard is read three times, each time only the columns that are needed, so that between the steps
only hashes, sketches and candidates travel.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedupe import captions, exact, near
from pipelines.dedupe.captions import OVERUSED_DTYPE
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.embedding import semantic
from pipelines.dedupe.keys import (
    IMAGE_FIELDS,
    PAIR_DTYPE,
    Records,
    distinct,
    find_images,
    image_digits,
    pair_digits,
    parse_hex,
    shards_of,
    starts_of_runs,
)
from pipelines.dedupe.near import (
    CANDIDATE_DTYPE,
    best_candidates,
    keep_best,
    order_of,
    unique_pairs,
)
from pipelines.dedupe.runs import Runs
from pipelines.dedupe.verdicts import NEAR, VERDICT_DTYPE, Verdicts, concatenated, one_verdict_each
from pipelines.dedupe.views import COLUMNS, THUMBNAIL, ShardImages, read_images, thumbnails
from pipelines.io.selections import surviving_rows
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA
from pipelines.sameness.alignment import same_picture

REASONS = (exact.REASON, near.REASON, semantic.REASON)  # by the kind of a verdict
VIEW_FIELDS = [*IMAGE_FIELDS, ("view", "u1")]


@dataclass(frozen=True)
class Candidates:
    """Pairs of views that may be copies, of one shard, with the thumbnails of the better views.

    Args:
        pairs: `CANDIDATE_DTYPE`.
        better: `(n, 768)`: thumbnails, each once.
        which: `(pairs,)`: the number of each pair's thumbnail.
    """

    pairs: Records
    better: npt.NDArray[np.uint8]
    which: npt.NDArray[np.int64]


def describe_shard(task: StageTask, runs: Runs, shard: int) -> ShardImages:
    """The images of a shard; raises `UnreadableShardError` where it is missing or corrupt."""
    return read_images(runs.rows(task, shard, COLUMNS), runs.place(shard)[0])


def attach_thumbnails(
    task: StageTask, runs: Runs, parts: Iterable[Records]
) -> Iterator[tuple[int, Candidates]]:
    """Candidates of some better images with their thumbnails, by the shards of the worse ones.

    Args:
        task: of the stage.
        runs: whose images meet.
        parts: `CANDIDATE_DTYPE`; all whose better images are in the shards that occur.
    """
    pairs = unique_pairs(concatenated(list(parts), CANDIDATE_DTYPE))
    holders = runs.holders(pairs)
    found = _merged(
        [
            _with_thumbnails(runs.rows(task, shard, ["key", THUMBNAIL]), pairs[holders == shard])
            for shard in np.unique(holders).tolist()
        ]
    )
    shards = shards_of(found.pairs, task.num_shards)
    for shard in np.unique(shards).tolist():
        mine = shards == shard
        used, which = np.unique(found.which[mine], return_inverse=True)
        yield shard, Candidates(found.pairs[mine], found.better[used], which)


def judge_images(
    task: StageTask, index: int, values: Iterable[Any], config: DedupeConfig
) -> Verdicts:
    """One verdict on each image of a shard that is dropped, sorted by image.

    Args:
        task: of the stage.
        index: of the shard.
        values: `Verdicts` on equal pixels and `Candidates`, in any order.
        config: what is near.
    """
    equal, found = _told_apart(values)
    near_ones = np.empty(0, VERDICT_DTYPE)
    if found:
        table = surviving_rows(task, index, ["key", THUMBNAIL])
        near_ones = _judge(_best(_merged(found)), table, config)
    return Verdicts(one_verdict_each(equal, near_ones))


def caption_uses(task: StageTask, index: int, verdicts: Verdicts, config: DedupeConfig) -> Records:
    """Which images of a shard have which captions, once duplicates are dropped: `USE_DTYPE`."""
    table = surviving_rows(task, index, ["key", "caption"])
    pairs = parse_hex(table["key"], PAIR_DTYPE)
    kept = find_images(pairs, verdicts.dropped) < 0
    texts = captions.hash_captions(table["caption"].filter(pa.array(kept)))
    return captions.count_uses(texts, pairs[kept], config.max_images_per_caption)


def write_shard(
    task: StageTask, index: int, values: Iterable[Any], config: DedupeConfig
) -> ShardResult:
    """The rows kept and dropped of a shard.

    Args:
        task: of the stage.
        index: of the shard.
        values: the `Verdicts` on the shard, and any number of `Overused`.
        config: its limits are told with what is dropped.
    """
    table = surviving_rows(task, index, SELECTION_SCHEMA.names).select(SELECTION_SCHEMA.names)
    pairs = parse_hex(table["key"], PAIR_DTYPE)
    dropped, others = _told_apart(values)
    overused = concatenated([found.captions for found in others], OVERUSED_DTYPE)
    verdict, use = find_images(pairs, dropped), np.full(len(pairs), -1)
    rest = np.flatnonzero(verdict < 0)
    if len(overused):
        texts = captions.hash_captions(table["caption"].take(pa.array(rest)))
        use[rest] = captions.find_overused(texts, pairs[rest], overused)
    duplicates, uses = np.flatnonzero(verdict >= 0), np.flatnonzero(use >= 0)
    rejected = [
        _duplicates(table.take(duplicates), dropped[verdict[duplicates]], task.stage, config),
        _overuses(table.take(uses), overused[use[uses]], task.stage, config),
    ]
    kept = table.filter(pa.array((verdict < 0) & (use < 0)))
    return ShardResult(kept.cast(SELECTION_SCHEMA), pa.concat_tables(rejected), table.num_rows)


def _told_apart(values: Iterable[Any]) -> tuple[Records, list[Any]]:
    """The verdicts among some values, and all else.

    A value is an array from a range of hashes or of better images: there are as many as ranges,
    and they hold no more than a few records of each image of the shard.
    """
    verdicts, others = [], []
    for value in values:
        if isinstance(value, Verdicts):
            verdicts.append(value.dropped)
        else:
            others.append(value)
    return concatenated(verdicts, VERDICT_DTYPE), others


def _duplicates(rows: pa.Table, verdicts: Records, stage: str, config: DedupeConfig) -> pa.Table:
    better = np.zeros(len(verdicts), IMAGE_FIELDS)
    better["high"], better["low"] = verdicts["better_high"], verdicts["better_low"]
    max_cosine = config.embedding.max_cosine if config.embedding else 1.0
    limits = np.array([0, config.max_hamming, max_cosine], np.float64)[verdicts["kind"]]
    reasons = [REASONS[kind] for kind in verdicts["kind"].tolist()]
    measured = verdicts["measured"]
    details = _names(image_digits(better), verdicts["better_run"].tolist(), config)
    return _rejections(rows, stage, reasons, measured, limits, details)


def _names(digits: list[str], runs: list[int], config: DedupeConfig) -> list[str]:
    """Images as rejections name them: one of a finished run with the name of that run."""
    of_runs = [*(f" of {name}" for name in config.finished_runs), ""]
    return [image + of_runs[run] for image, run in zip(digits, runs, strict=True)]


def _overuses(rows: pa.Table, overused: Records, stage: str, config: DedupeConfig) -> pa.Table:
    limits = np.full(len(rows), float(config.max_images_per_caption))
    reasons = [captions.REASON] * len(rows)
    measured = overused["images"].astype(np.float64)
    return _rejections(rows, stage, reasons, measured, limits, pair_digits(overused))


def _rejections(
    rows: pa.Table,
    stage: str,
    reasons: list[str],
    measured: npt.NDArray[np.float64],
    limits: npt.NDArray[np.float64],
    details: list[str],
) -> pa.Table:
    columns = [rows[name] for name in ("key", "url", "caption")]
    added = [[stage] * len(rows), reasons, measured, limits, details]
    return pa.table([*columns, *added], schema=REJECTION_SCHEMA)


def _with_thumbnails(table: pa.Table, pairs: Records) -> Candidates:
    pairs = keep_best(pairs)
    names = ("better_high", "better_low", "better_view")
    firsts, which = distinct(*(pairs[name] for name in names))
    wanted = np.zeros(len(firsts), VIEW_FIELDS)
    for name in ("high", "low", "view"):
        wanted[name] = pairs[f"better_{name}"][firsts]
    return Candidates(pairs, thumbnails(wanted, table), which)


def _merged(found: Sequence[Candidates]) -> Candidates:
    """The candidates of a shard together, sorted by image and by the rank of the better one."""
    pairs = np.concatenate([part.pairs for part in found])
    starts = np.cumsum([0, *(len(part.better) for part in found)])
    which = np.concatenate([part.which + start for part, start in zip(found, starts, strict=False)])
    order = order_of(pairs)
    return Candidates(pairs[order], np.concatenate([part.better for part in found]), which[order])


def _best(found: Candidates) -> Candidates:
    places = best_candidates(found.pairs)
    return Candidates(found.pairs[places], found.better, found.which[places])


def _judge(found: Candidates, table: pa.Table, config: DedupeConfig) -> Records:
    """A verdict on each image with a near one, for the best-ranked of those."""
    firsts, which = distinct(*(found.pairs[name] for name in ("high", "low", "view")))
    worse = thumbnails(found.pairs[firsts], table)
    starts = starts_of_runs(found.pairs["high"], found.pairs["low"])
    ends = np.append(starts[1:], len(found.pairs))
    current, near_ones = starts, [np.empty(0, np.int64)]
    while len(current):  # the next candidate of each image for which none is found yet
        same = same_picture(found.better[found.which[current]], worse[which[current]], config)
        near_ones.append(current[same])
        current, ends = current[~same] + 1, ends[~same]
        current, ends = current[current < ends], ends[current < ends]
    pairs = found.pairs[np.concatenate(near_ones)]
    verdicts = np.zeros(len(pairs), VERDICT_DTYPE)
    for name in ("high", "low", "better_high", "better_low", "better_run"):
        verdicts[name] = pairs[name]
    verdicts["kind"], verdicts["measured"] = NEAR, pairs["hamming"]
    return verdicts
