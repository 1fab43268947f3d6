import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pipeline import build
from pipelines.crawl.sources import Source
from pipelines.crawl.transforms import ExtractCandidates
from pipelines.io.keys import shard_of
from pipelines.io.stage import StageTask
from pipelines.records import CANDIDATE_SCHEMA
from pipelines.rejection import Rejection
from tests.support.archives import flip, gzip_records, http_record

SHARDS = 3

LINES = [f"caption {n}\thttp://site.test/{n}.jpg" for n in range(30)] + [
    "caption 1\thttp://site.test/1.jpg#again",
    "caption 1\tHTTP://SITE.test/1.jpg",
    "\thttp://site.test/empty.jpg",
    "no url at all\tnowhere",
    "alone",
]
MEMBERS = gzip_records(
    http_record(
        f"http://site.test/p{n}",
        f'<html lang="en{n}"><img src="/{n}.jpg" alt="caption {n}"><img alt=x>'.encode(),
    )
    for n in range(12)
)
MEMBERS[3] = flip(MEMBERS[3], 60)
MEMBERS.append(gzip_records([http_record("http://site.test/1.jpg", b"\xff\xd8", "image/jpeg")])[0])


def _config(folder, order: random.Random | None) -> CrawlConfig:
    """A table in two files and an archive; another order of rows, records and sources."""
    lines, members = list(LINES), list(MEMBERS)
    if order:
        order.shuffle(lines)
        order.shuffle(members)
    (folder / "1.tsv").write_text("\n".join(lines[:20]))
    (folder / "2.tsv").write_text("\n".join(lines[20:]))
    (folder / "w.warc.gz").write_bytes(b"".join(members))
    sources = [Source(path=f"{folder}/*.tsv", name="table"), Source(path=f"{folder}/w.warc.gz")]
    if order:
        order.shuffle(sources)
    return CrawlConfig(sources=tuple(sources))


def _run(folder, config: CrawlConfig, pending=tuple(range(SHARDS))) -> StageTask:
    task = StageTask(str(folder / "run"), "crawl", SHARDS, "attempt", "fingerprint", pending)
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(pipeline, task, config)
    return task


def _tables(task: StageTask):
    for index in task.pending:
        yield pq.read_table(task.part(index)), pq.read_table(task.rejected(index))


def test_extract_candidates_routes_each_row_to_the_shard_of_its_key(tmp_path):
    def check(rows):
        assert all(
            shard == shard_of(row.key if isinstance(row, Rejection) else row["key"], SHARDS)
            for shard, row in rows
        )
        kept = [row["key"] for _, row in rows if not isinstance(row, Rejection)]
        assert len(kept) == len(set(kept)) == 30
        reasons = Counter(row.reason for _, row in rows if isinstance(row, Rejection))
        # 11 of 12 pages are read; each has one picture of the table and one without a URL
        assert reasons == {
            "duplicate_pair": 2 + 11,
            "no_caption": 1,
            "bad_url": 1 + 11,
            "bad_record": 1 + 1,
        }

    with _TestPipeline(runner="FnApiRunner") as pipeline:
        rows = pipeline | ExtractCandidates(_config(tmp_path, None), SHARDS, f"{tmp_path}/aside")
        assert_that(rows, check)


def test_books_balance_and_rows_are_in_the_schema(tmp_path):
    task = _run(tmp_path, _config(tmp_path, None))
    kept, rejected = zip(*_tables(task), strict=True)
    assert all(table.schema.equals(CANDIDATE_SCHEMA) for table in kept)
    rows_in = len(LINES) + 11 * 2 + 1
    assert sum(t.num_rows for t in kept) + sum(t.num_rows for t in rejected) == rows_in


@pytest.mark.parametrize("seed", [0, 1])
def test_order_and_place_of_the_input_change_no_byte(tmp_path, seed):
    first, second = tmp_path / "first", tmp_path / "elsewhere" / "second"
    tasks = []
    for folder, order in ((first, None), (second, random.Random(seed))):
        folder.mkdir(parents=True)
        tasks.append(_run(folder, _config(folder, order)))
    for index in range(SHARDS):
        for name in ("part", "rejected"):
            urls = [getattr(task, name)(index) for task in tasks]
            one, other = (Path(url).read_bytes() for url in urls)
            assert one == other


def test_only_pending_shards_are_written(tmp_path):
    task = _run(tmp_path, _config(tmp_path, None), pending=(1,))
    assert pq.read_table(task.part(1)).num_rows > 0
    names = {path.name for path in (tmp_path / "run" / "crawl").glob("*.parquet")}
    assert names == {"part-00001-of-00003.parquet"}
