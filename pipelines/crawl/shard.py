"""A shard of candidates: one survivor for each key, with its bytes where they are known."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import pyarrow as pa

from pipelines.crawl.blobs import CandidateRef, Packed, load, unpack
from pipelines.crawl.books import SourceBook, total_passed_over, warnings
from pipelines.crawl.candidates import resolve_duplicates
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA
from pipelines.rejection import Rejection


def complete_shard(task: StageTask, index: int, values: list[Any]) -> ShardResult:
    """The rows and rejections of a shard.

    All rows of one key are in one shard, so that removing duplicates here saves a shuffle.

    Args:
        task: the stage's work.
        index: of the shard.
        values: packed candidates, rejections, and in one shard the books of all sources.

    Raises:
        ChangedInputError: the bytes of an image are no longer what they were.
    """
    del task, index
    books = [value for value in values if isinstance(value, SourceBook)]
    rejected = [value for value in values if isinstance(value, Rejection)]
    packed = [value for value in values if isinstance(value, Packed)]
    rows_in = len(rejected) + len(packed)
    kept: list[CandidateRef] = []
    for row in _one_for_each_key(map(unpack, packed)):
        if isinstance(row, Rejection):
            rejected.append(row)
        else:
            kept.append(row)
    table = pa.Table.from_pylist(load(kept), schema=CANDIDATE_SCHEMA)
    return ShardResult(table, rejected, rows_in, total_passed_over(books), warnings(books))


def _one_for_each_key(rows: Iterable[CandidateRef]) -> Iterator[CandidateRef | Rejection]:
    for _, group in groupby(sorted(rows, key=_key), _key):
        yield from resolve_duplicates(list(group))


def _key(row: CandidateRef) -> str:
    return row.candidate.key
