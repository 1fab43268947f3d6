"""A shard of candidates: one survivor for each key, with its bytes where they are known."""

from typing import Any

import pyarrow as pa

from pipelines.crawl.blobs import Packed, load
from pipelines.crawl.books import SourceBook, total_passed_over, warnings
from pipelines.crawl.copies import Dropped, Rejections, survivors
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA


def complete_shard(task: StageTask, index: int, values: list[Any]) -> ShardResult:
    """The rows and rejections of a shard.

    All rows of one key are in one shard, so that removing duplicates here saves a shuffle.

    Args:
        task: the stage's work.
        index: of the shard.
        values: packed candidates and rejections, and in one shard the books of all sources.

    Raises:
        ChangedInputError: the bytes of an image are no longer what they were.
    """
    del task, index
    books = [value for value in values if isinstance(value, SourceBook)]
    packed = [value for value in values if isinstance(value, Packed)]
    rejections = Rejections()
    for value in values:
        for row in value.rows() if isinstance(value, Dropped) else ():
            rejections.add(*row)
    rows_in = rejections.count + len(packed)
    table = pa.Table.from_pylist(load(survivors(packed, rejections)), schema=CANDIDATE_SCHEMA)
    told = total_passed_over(books), warnings(books)
    return ShardResult(table, rejections.table(), rows_in, *told)
