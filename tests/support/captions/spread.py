"""Candidates spread over shards by their keys, as the crawl stage leaves them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from dalle_model import files
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.parquet import to_bytes
from pipelines.io.task import StageTask
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, Candidate
from tests.support.tasks import stage_task


def spread(root: Path, pairs: Sequence[tuple[str, str]], num_shards: int) -> StageTask:
    """Write (image, caption) pairs in their shards, each in the order given."""
    shards: list[list[dict[str, object]]] = [[] for _ in range(num_shards)]
    for image, caption in pairs:
        candidate = Candidate(pair_key(image, caption), image, caption)
        shards[shard_of(candidate.key, num_shards)].append(candidate._asdict())
    task = stage_task(root, "captions", num_shards)
    for index, rows in enumerate(shards):
        table = pa.Table.from_pylist(rows, schema=CANDIDATE_SCHEMA)
        files.write_bytes(task.input(CANDIDATES).part(index), to_bytes(table))
    return task
