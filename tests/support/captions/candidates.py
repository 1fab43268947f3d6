"""Candidates as the crawl stage leaves them, made from captions alone."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from dalle_model import files
from pipelines.captions.funnel import Funnel
from pipelines.captions.shard import filter_candidates, result_of
from pipelines.io.keys import pair_key
from pipelines.io.parquet import to_bytes
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES
from tests.support.tasks import stage_task


def candidate_table(captions: Sequence[str]) -> pa.Table:
    rows = [
        {
            "key": pair_key(f"http://a.test/{n}.png", caption),
            "url": f"http://a.test/{n}.png",
            "caption": caption,
            "page_url": "http://a.test/",
            "license": "",
            "source": "test",
            "name": "",
            "carried": "",
            "text_source": "alt",
            "page_language": "en",
            "opt_out": "",
            "declared_hash": "",
            "sha256": files.sha256(f"bytes {n}".encode()),
            "encoded": f"bytes {n}".encode(),
        }
        for n, caption in enumerate(captions)
    ]
    return pa.Table.from_pylist(rows, schema=CANDIDATE_SCHEMA)


def task_for(root: Path, shards: Sequence[Sequence[str]]) -> StageTask:
    task = stage_task(root, "captions", len(shards))
    for index, captions in enumerate(shards):
        files.write_bytes(task.input(CANDIDATES).part(index), to_bytes(candidate_table(captions)))
    return task


def filter_table(candidates: pa.Table, funnel: Funnel) -> ShardResult:
    """What `filter_shard` makes of a shard, without the shard."""
    filtered = filter_candidates(candidates, funnel)
    is_kept = pa.array(filtered.is_kept(candidates.num_rows))
    return result_of(candidates, candidates.filter(is_kept), filtered)
