import pickle
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import TaggedOutput
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that

from dalle_model import files, ranges
from pipelines.crawl import splits
from pipelines.crawl.blobs import key_of
from pipelines.crawl.books import SourceBook, Tally, add_tallies
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.copies import Settled
from pipelines.crawl.discovery import resolve
from pipelines.crawl.images import tars
from pipelines.crawl.inputs import input_extent
from pipelines.crawl.pipeline import build
from pipelines.crawl.sources import Source
from pipelines.crawl.transforms import ExtractCandidates, _Parts, _ReadPartFn
from pipelines.io.keys import local_pair_key, shard_of
from pipelines.io.manifest import Manifest
from pipelines.io.task import StageTask, finished_shards
from pipelines.records import CANDIDATE_SCHEMA
from tests.support.archives import flip, gzip_records, http_record
from tests.support.beam_tasks import tasks
from tests.support.counted_store import PROTOCOL, counted_store
from tests.support.sources import (
    Sample,
    png,
    samples,
    write_cc3m_tsv,
    write_hf_parquet,
    write_image_folder,
    write_webdataset_tar,
)

SHARDS = 3
IDENTITY: dict[str, Any] = {
    "stage": "crawl",
    "fingerprint": "fingerprint",
    "config": {},
    "inputs": {},
    "dependencies": {},
}

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
MEMBERS += gzip_records(
    http_record(f"http://site.test/{n}.jpg", png(n + side, side), "image/jpeg")
    for n in (1, 2)
    for side in (8, 16)
)


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


def _run(
    folder, config: CrawlConfig, pending=tuple(range(SHARDS)), options: list[str] | None = None
) -> StageTask:
    task = StageTask(str(folder / "run"), "crawl", SHARDS, "attempt", "fingerprint", pending)
    with _TestPipeline(runner="FnApiRunner", options=PipelineOptions(options or [])) as pipeline:
        build(tasks(pipeline, task), task, config)
    return task


def _tables(task: StageTask):
    for index in task.pending:
        yield pq.read_table(task.part(index)), pq.read_table(task.rejected(index))


def _assert_same_bytes(*tasks: StageTask) -> None:
    for index in range(SHARDS):
        for name in ("part", "rejected"):
            one, other = (Path(getattr(task, name)(index)).read_bytes() for task in tasks)
            assert one == other


def _told(block: Settled) -> list[tuple[str, str]]:
    """The key and the reason of each row; of one that is kept the reason is empty."""
    dropped = [(row[0], row[4]) for row, count in block.rejections() for _ in range(count)]
    return dropped + [(key_of(packed), "") for packed in block.candidates()]


def test_extract_candidates_routes_each_row_to_the_shard_of_its_key(tmp_path):
    def check(values):
        rows = [
            (shard, *told)
            for shard, row in values
            if not isinstance(row, SourceBook)
            for told in _told(row)
        ]
        assert all(shard == shard_of(key, SHARDS) for shard, key, _ in rows)
        found = [key for _, key, reason in rows if reason in {"", "duplicate_pair"}]
        # 11 of 12 pages are read; each has one image of the table and one without a URL
        assert (len(found), len(set(found))) == (30 + 2 + 11, 30)
        assert len({key for _, key, reason in rows if not reason}) == 30
        reasons = Counter(reason for _, _, reason in rows if reason not in {"", "duplicate_pair"})
        assert reasons == {"no_caption": 1, "bad_url": 1 + 11, "bad_record": 1 + 1}

    with _TestPipeline(runner="FnApiRunner") as pipeline:
        rows = pipeline | ExtractCandidates(_config(tmp_path, None), SHARDS, f"{tmp_path}/spilled")
        assert_that(rows, check)


def _tables_of(folder: Path, lines: list[str]) -> CrawlConfig:
    """Eight tables with the same lines in turn; of an image three captions are kept."""
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.tsv").write_text("\n".join(lines[number::8]) + "\n")
    return CrawlConfig(sources=(Source(path=f"{folder}/*.tsv"),), max_captions_per_image=3)


@pytest.mark.parametrize(
    "line", ["one caption\thttp://x.test/1.jpg", "no. {}\thttp://x.test/1.jpg"]
)
def test_rows_of_one_pair_or_image_cross_the_shuffle_in_few_blocks(tmp_path, line):
    config = _tables_of(tmp_path / "in", [line.format(number) for number in range(4_000)])

    def check(values):
        blocks = [block for _, block in values if isinstance(block, Settled)]
        assert len(blocks) <= 8  # a bundle has one, and at least one input
        assert sum(len(block.candidates()) for block in blocks) <= 8 * 3
        assert sum(len(_told(block)) for block in blocks) == 4_000

    with _TestPipeline(runner="FnApiRunner") as pipeline:
        assert_that(pipeline | ExtractCandidates(config, SHARDS, f"{tmp_path}/spilled"), check)


def test_which_captions_of_a_crowded_image_are_kept_is_no_matter_of_order(tmp_path):
    """Every caption stands there twice, so that workers see some as copies and others not."""
    lines = [f"caption {n % 20}\thttp://site.test/1.jpg" for n in range(40)]
    shuffled = random.Random(0).sample(lines, len(lines))
    tasks = []
    for name, order in (("one", lines), ("other", shuffled)):
        (tmp_path / name).mkdir()
        tasks.append(_run(tmp_path / name, _tables_of(tmp_path / name / "in", order)))
    _assert_same_bytes(*tasks)
    kept, rejected = zip(*_tables(tasks[0]), strict=True)
    assert sum(table.num_rows for table in kept) == 3
    rows = [row for table in rejected for row in table.to_pylist()]
    reasons = Counter((row["reason"], row["measured"], row["threshold"]) for row in rows)
    assert reasons == {("duplicate_pair", None, None): 3, ("too_many_captions", 20.0, 3.0): 34}


def test_books_balance_and_rows_are_in_the_schema(tmp_path):
    task = _run(tmp_path, _config(tmp_path, None))
    kept, rejected = zip(*_tables(task), strict=True)
    assert all(table.schema.equals(CANDIDATE_SCHEMA) for table in kept)
    rows_in = len(LINES) + 11 * 2 + 1
    assert sum(t.num_rows for t in kept) + sum(t.num_rows for t in rejected) == rows_in


def test_the_books_name_each_input_that_gave_nothing_and_count_what_is_no_input(tmp_path):
    (tmp_path / "in").mkdir()
    for name, content in {
        "a.tsv": "a caption\thttp://site.test/1.jpg\n",
        "b.tsv": "",
        "c/d.jsonl": "\n",
        "old.arc.gz": "x",
        "notes.docx": "x",
        "Makefile": "x",
        ".hidden": "x",
    }.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    (tmp_path / "empty.csv").touch()
    sources = (Source(path=f"{tmp_path}/in"), Source(path=f"{tmp_path}/empty.csv"))
    task = _run(tmp_path, CrawlConfig(sources=sources))
    manifest = Manifest.of_shards(finished_shards(task).values(), SHARDS, **IDENTITY)
    assert (manifest.rows_in, manifest.rows_out) == (1, 1)
    assert manifest.passed_over == {
        ".arc.gz files": 1,
        ".docx files": 1,
        "files without a suffix": 1,
        "hidden files": 1,
    }
    assert manifest.warnings == [
        "crawl.sources[0]: 2 of 3 inputs gave no row and no rejection: b.tsv, c/d.jsonl",
        "crawl.sources[1] is empty: no row and no rejection from empty.csv",
    ]


def test_images_beside_pages_are_no_rows_in_the_books(tmp_path):
    site = tmp_path / "site"
    (site / "img").mkdir(parents=True)
    (site / "index.html").write_text('<img src="img/a.png"><img src="img/b.png">')
    (site / "img" / "a.png").write_bytes(png(1))
    source = Source(path=str(site), base_url="https://site.test/")
    task = _run(tmp_path, CrawlConfig(sources=(source,)))
    manifest = Manifest.of_shards(finished_shards(task).values(), SHARDS, **IDENTITY)
    assert manifest.rejected == {"no_caption": 2}
    (warning,) = manifest.warnings
    assert warning.startswith("crawl.sources[0]: none of its 2 images has a caption")


@pytest.mark.parametrize("seed", [0, 1])
def test_order_and_path_of_the_input_change_no_byte(tmp_path, seed):
    first, second = tmp_path / "first", tmp_path / "elsewhere" / "second"
    tasks = []
    for folder, order in ((first, None), (second, random.Random(seed))):
        folder.mkdir(parents=True)
        tasks.append(_run(folder, _config(folder, order)))
    _assert_same_bytes(*tasks)


def test_only_pending_shards_are_written(tmp_path):
    task = _run(tmp_path, _config(tmp_path, None), pending=(1,))
    assert pq.read_table(task.part(1)).num_rows > 0
    names = {path.name for path in (tmp_path / "run" / "crawl").glob("*.parquet")}
    assert names == {"part-00001-of-00003.parquet"}


def _with_images(folder: Path) -> CrawlConfig:
    """The same images from four sources, some captions of their own, and a table of URLs."""
    pairs = samples(12, side=8)
    own = [Sample(f"own caption {n}", "", png(n, 8)) for n in range(3)]
    write_webdataset_tar(folder / "a.tar", pairs[:8])
    write_webdataset_tar(folder / "b.tar.gz", pairs[4:])
    write_hf_parquet(folder / "hf.parquet", [*pairs[2:6], *own])
    write_image_folder(folder / "photos", pairs[6:9])
    write_cc3m_tsv(folder / "urls.tsv", pairs[:3])
    names = ("a.tar", "b.tar.gz", "hf.parquet", "photos", "urls.tsv")
    return CrawlConfig(sources=tuple(Source(path=f"{folder}/{name}") for name in names))


def test_images_are_in_the_rows_and_no_row_names_a_path(tmp_path):
    task = _run(tmp_path, _with_images(tmp_path))
    kept, rejected = zip(*_tables(task), strict=True)
    rows = [row for table in kept for row in table.to_pylist()]
    with_bytes = [row for row in rows if row["sha256"] is not None]
    assert len(with_bytes) == 12 + 3
    assert len(rows) == 12 + 3 + 3
    held = {row["sha256"]: row["encoded"] for row in rows if row["encoded"] is not None}
    assert len(held) == 12 == sum(row["encoded"] is not None for row in rows)
    for row in with_bytes:
        assert row["key"] == local_pair_key(held[row["sha256"]], row["caption"])
        assert row["url"] == f"urn:sha256:{row['sha256']}"
    reasons = Counter(row["reason"] for table in rejected for row in table.to_pylist())
    assert reasons == {"duplicate_pair": 4 + 4 + 3}
    assert str(tmp_path) not in repr([*rows, *(t.to_pylist() for t in rejected)])


def test_no_byte_of_an_image_crosses_a_shuffle(tmp_path):
    config = _with_images(tmp_path)

    def check(rows):
        told = [_told(row) for _, row in rows if not isinstance(row, SourceBook)]
        assert sum(map(len, told)) == 18 + 11
        assert not any(image in pickle.dumps(row) for _, row in rows for image in images)

    images = [png(n, 8) for n in range(12)]
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        assert_that(pipeline | ExtractCandidates(config, SHARDS, f"{tmp_path}/spilled"), check)
    assert list((tmp_path / "spilled").iterdir())


def test_small_parts_give_the_same_bytes(tmp_path, monkeypatch):
    config = _with_images(tmp_path)
    whole = _run(tmp_path / "whole", config)
    monkeypatch.setattr(splits, "SPLIT_BYTES", 100)
    monkeypatch.setattr(tars, "TAR_SPLIT_BYTES", 2000)
    _assert_same_bytes(whole, _run(tmp_path / "parts", config))


def test_inputs_in_a_store_give_the_same_bytes_in_parts(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    local = _with_images(tmp_path / "in")
    whole = _run(tmp_path / "local", local)
    monkeypatch.setattr(splits, "SPLIT_BYTES", 100)
    monkeypatch.setattr(tars, "TAR_SPLIT_BYTES", 2000)
    monkeypatch.setattr(ranges, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(ranges, "HEAD_BYTES", 300)
    counted_store()
    bucket = f"{PROTOCOL}://bucket"
    for path in (tmp_path / "in").rglob("*"):
        if path.is_file():
            name = path.relative_to(tmp_path / "in").as_posix()
            files.write_bytes(f"{bucket}/{name}", path.read_bytes())
    sources = [
        source.model_copy(update={"path": source.path.replace(f"{tmp_path}/in", bucket)})
        for source in local.sources
    ]
    stored = local.model_copy(update={"sources": tuple(sources)})
    _assert_same_bytes(whole, _run(tmp_path / "stored", stored))


def test_an_object_is_looked_at_once_before_it_is_split(monkeypatch):
    monkeypatch.setattr(splits, "SPLIT_BYTES", 100)
    store = counted_store()
    url = f"{PROTOCOL}://bucket/w.warc.gz"
    files.write_bytes(url, b"".join(MEMBERS))
    source = Source(path=url)
    (file,) = resolve(source, "k")
    store.requests.clear()
    parts = _Parts()
    whole = parts.initial_restriction((file, source))
    assert store.requests == {"HEAD": 1, "GET": 1}
    sent = parts.restriction_coder().decode(parts.restriction_coder().encode(whole))
    found = list(parts.split((file, source), sent))
    assert [part.start for part in found] == list(range(0, found[-1].start + 1, 100))
    assert found[-1].stop == len(b"".join(MEMBERS))
    assert sum(parts.restriction_size((file, source), part) for part in found) == whole.size()
    assert store.requests == {"HEAD": 1, "GET": 1}


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(tmp_path):
    config = _with_images(tmp_path)
    options = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    whole, parts = _run(tmp_path / "1", config), _run(tmp_path / "2", config, options=options)
    _assert_same_bytes(whole, parts)


@pytest.mark.parametrize("name", ["a.tar", "hf.parquet", "photos", "urls.tsv", "w.warc.gz"])
@pytest.mark.parametrize("fraction", [0.0, 0.4])
def test_a_runner_may_take_away_the_rest_of_a_part_at_any_time(tmp_path, name, fraction):
    _with_images(tmp_path)
    (tmp_path / "w.warc.gz").write_bytes(b"".join(MEMBERS))
    source = Source(path=f"{tmp_path}/{name}")
    for file in resolve(source, "k"):
        size = input_extent(file).size
        config = CrawlConfig(sources=(source,))
        whole, _ = _read_split(file, source, config, OffsetRange(0, size), None)
        for after in range(len(whole) - 1):
            first, rest = _read_split(file, source, config, OffsetRange(0, size), after, fraction)
            if rest is not None:
                second, _ = _read_split(file, source, config, rest, None)
                first += second
            assert _with_one_tally(first) == _with_one_tally(whole)


def _with_one_tally(values: list[Any]) -> tuple[list[str], Tally]:
    tallies = [value[1] for value in values if _is_tally(value)]
    rows = [value for value in values if not _is_tally(value)]
    return sorted(map(repr, rows)), add_tallies(tallies)


def _is_tally(value: Any) -> bool:
    return isinstance(value, tuple) and isinstance(value[1], Tally)


def _read_split(file, source, config, restriction, after, fraction=0.0):
    """Rows of a restriction that is split after some of them, and what was split off."""
    tracker = ThreadsafeRestrictionTracker(OffsetRestrictionTracker(restriction))
    read = _ReadPartFn(config, str(Path(source.path).parent / "spilled"))
    rows, rest = [], None
    for number, row in enumerate(read.process((file, source), RestrictionTrackerView(tracker))):
        rows.append(row.value if isinstance(row, TaggedOutput) else row)
        if number == after:
            found = tracker.try_split(fraction)
            rest = found[1] if found else None
    tracker.check_done()
    return rows, rest
