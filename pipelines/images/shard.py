"""The images of one fetched shard: decoded in a sandbox, described, and stored at a small size."""

from collections.abc import Iterator
from typing import Any

from dalle_model.shards import image_of
from pipelines.images.config import ImagesConfig
from pipelines.images.declared import is_another
from pipelines.images.measure import Measured
from pipelines.images.sandbox.protocol import Answer
from pipelines.images.sandbox.sandbox import Sandbox, shared_sandbox
from pipelines.images.store import STORES
from pipelines.io import parquet
from pipelines.io.batches import RowBatch
from pipelines.io.earlier import EarlierRows
from pipelines.io.supplied import SuppliedImages
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.records import CANDIDATES, FETCHED, FETCHED_SCHEMA, IMAGE_SCHEMA
from pipelines.rejection import Check, reject
from pipelines.sameness.hashes import describe

COMPARED = 64  # chosen: of a million images enough for a share to a thousandth, at 1 % of the work

Row = dict[str, Any]

_ADDED = [name for name in IMAGE_SCHEMA.names if name not in FETCHED_SCHEMA.names]


def process_shard(
    task: StageTask, index: int, config: ImagesConfig, sandbox: Sandbox | None = None
) -> BatchedResult:
    """Keep what can be used of a fetched shard; an image with several captions is decoded once.

    Args:
        task: of the stage.
        index: of the shard.
        config: of the stage.
        sandbox: that decodes; by default that of this process.

    Raises:
        SandboxError: the process that decodes cannot be started; as the next, by the batches.
        UnreadableShardError: the fetched shard, or that of the candidates which hold the bytes of
            some of its images, is missing or corrupt.
    """
    sandbox = shared_sandbox() if sandbox is None else sandbox
    return BatchedResult(IMAGE_SCHEMA, _batches(task, index, config, sandbox))


def _batches(
    task: StageTask, index: int, config: ImagesConfig, sandbox: Sandbox
) -> Iterator[ShardResult]:
    batch = RowBatch(IMAGE_SCHEMA)
    fetched = _Fetched(SuppliedImages(task.input(CANDIDATES).part(index)))
    earlier = EarlierRows(task, index, ["sha256", *_ADDED])
    measured, is_reused = "", False
    outcome: Row | Check = {}
    for table in parquet.read_row_groups(task.input(FETCHED).part(index)):
        batch.rows_in += table.num_rows
        for row in parquet.rows_of(table):
            row["encoded"] = fetched.bytes_of(row)
            if row["sha256"] != measured:
                before = _made_before(row, earlier)
                is_reused, measured = before is not None, row["sha256"]
                if before is not None:
                    outcome = before
                else:
                    compares = config.decode == "scaled" and is_compared(measured)
                    answer = sandbox.measure(row["encoded"], config, compares)
                    outcome = _outcome(answer, config)
                    batch.cpu_s += answer.cpu_s
            batch.reused += is_reused
            found = _kept(row, outcome, config.max_declared_hamming)
            if isinstance(found, Check):
                batch.drop(reject(row, task.stage, found))
            else:
                batch.keep(found)
            if batch.is_full:
                yield batch.take()
    yield batch.take()


class _Fetched:
    """The bytes of rows in the order of their keys, each with one row of its image."""

    def __init__(self, supplied: SuppliedImages) -> None:
        self._supplied = supplied
        self._image, self._held = "", dict[str, bytes]()

    def bytes_of(self, row: Row) -> bytes:
        image, sha256, encoded = image_of(row["key"]), row["sha256"], row["encoded"]
        if image != self._image:
            self._image, self._held = image, {}
        if encoded is not None:
            self._held[sha256] = encoded
        elif sha256 not in self._held:
            self._held[sha256] = self._supplied.read(row["key"], sha256)
        return self._held[sha256]


def _made_before(row: Row, earlier: EarlierRows) -> Row | None:
    """The columns of a row's image, where an earlier result has them of the same bytes."""
    found = earlier.find(image_of(row["key"]), lambda old: bool(old["sha256"] == row["sha256"]))
    return found and {name: found[name] for name in _ADDED}


def _outcome(answer: Answer, config: ImagesConfig) -> Row | Check:
    found = answer.outcome
    return found if isinstance(found, Check) else columns(found, config)


def _kept(row: Row, outcome: Row | Check, max_hamming: int) -> Row | Check:
    """A row with the columns of its image, or why it is dropped."""
    if isinstance(outcome, Check):
        return outcome
    encoded = row.pop("encoded")
    another = is_another(row["declared_hash"], outcome["phash"], encoded, max_hamming)
    return another or row | outcome


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
