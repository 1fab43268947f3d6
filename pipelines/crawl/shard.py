"""A shard of candidates: one survivor for each key, with its bytes where they are known."""

from collections.abc import Iterable

import pyarrow as pa

from pipelines.crawl.blobs import key_of, load, unpack
from pipelines.crawl.books import SourceBook, total_passed_over, warnings
from pipelines.crawl.copies import Settled, Survivors
from pipelines.crawl.crowds import counted
from pipelines.crawl.rejections import Rejections
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA


def complete_shard(
    task: StageTask, index: int, values: Iterable[Settled | SourceBook], most: int | None
) -> ShardResult:
    """The rows and rejections of a shard.

    All rows of one key are in one shard, so that removing duplicates here saves a shuffle.

    Args:
        task: the stage's work.
        index: of the shard.
        values: what workers have settled, and in one shard the book of each source; any order.
        most: captions kept of an image; None for all.

    Raises:
        ChangedInputError: the bytes of an image are no longer what they were.
    """
    del task, index
    books: list[SourceBook] = []
    rejections = Rejections()
    survivors = Survivors(most, rejections.add)
    for value in values:
        if isinstance(value, SourceBook):
            books.append(value)
        else:
            _take(value, survivors, rejections)
    left = survivors.rows()
    table = pa.Table.from_pylist(load(map(unpack, left.values())), schema=CANDIDATE_SCHEMA)
    rejected = rejections.table()
    if most is not None:
        rejected = counted(rejected, left, most)
    told = total_passed_over(books), warnings(books)
    return ShardResult(table, rejected, len(left) + rejections.count, *told)


def _take(settled: Settled, survivors: Survivors, rejections: Rejections) -> None:
    for packed in settled.candidates():
        survivors.add(key_of(packed), packed)
    for row, count in settled.rejections():
        rejections.add(row, count)
