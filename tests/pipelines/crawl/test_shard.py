import itertools
from collections import Counter
from dataclasses import asdict, replace

import pyarrow as pa

from pipelines.crawl.blobs import CandidateRef, pack, spill
from pipelines.crawl.copies import Settled
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.rejections import values_of
from pipelines.crawl.shard import complete_shard
from pipelines.io.keys import local_pair_key, pair_key
from pipelines.io.layout import RunFolder
from pipelines.io.refusals import Refusals, digest, write_refusals
from pipelines.io.task import StageTask
from pipelines.records import CANDIDATE_SCHEMA, Candidate
from pipelines.rejection import Rejection

TASK = StageTask("run", "crawl", 1, "attempt", "fingerprint", (0,))
REJECTION = Rejection("k", "u", "c", "crawl", "bad_record")


def test_a_shard_is_completed_with_its_bytes(tmp_path):
    images = [InlineImage(Candidate(local_pair_key(p, "c"), "u", "c"), p) for p in (b"a", b"b")]
    rows = [*spill([*images, REJECTION], str(tmp_path)), CandidateRef(Candidate("k", "u", "c"))]
    packed = [pack(row) for row in rows if isinstance(row, CandidateRef)]
    block = Settled.of(packed, Counter({values_of(REJECTION): 2}))
    result = complete_shard(TASK, 0, iter([block]), None)
    assert isinstance(result.rejected, pa.Table)
    assert result.rows_in == 3 + 2
    assert result.rejected.to_pylist() == [asdict(REJECTION)] * 2
    assert result.kept.schema == CANDIDATE_SCHEMA
    kept = dict(
        zip(result.kept["key"].to_pylist(), result.kept["encoded"].to_pylist(), strict=True)
    )
    assert kept == {local_pair_key(b"a", "c"): b"a", local_pair_key(b"b", "c"): b"b", "k": None}


def test_one_row_of_a_key_is_kept_whatever_the_order():
    pages = ("http://c.test/", "http://a.test/", "http://a.test/")
    rows = [pack(CandidateRef(Candidate("k", "u", "c", page))) for page in pages]
    rows.append(pack(CandidateRef(Candidate("j", "u", "c", "http://b.test/"))))
    for order in itertools.permutations(rows):
        result = complete_shard(TASK, 0, (Settled.of([row], Counter()) for row in order), 2)
        assert isinstance(result.rejected, pa.Table)
        kept = {row["key"]: row["page_url"] for row in result.kept.to_pylist()}
        assert kept == {"j": "http://b.test/", "k": "http://a.test/"}
        rejected = result.rejected.to_pylist()
        assert sorted((row["reason"], row["detail"]) for row in rejected) == [
            ("duplicate_pair", "http://a.test/"),
            ("duplicate_pair", "http://c.test/"),
        ]
        assert result.rows_in == 4


def test_a_shard_without_rows():
    result = complete_shard(TASK, 0, iter(()), 1)
    assert isinstance(result.rejected, pa.Table)
    assert (result.kept.num_rows, result.rejected.num_rows, result.rows_in) == (0, 0, 0)


def test_what_was_removed_from_the_run_is_counted_and_no_more(tmp_path):
    """By a URL, a page, a key and the bytes that a source holds; the books balance."""
    urls = [f"http://{name}.test/a.jpg" for name in "abcd"]
    keys = [pair_key(url, "c") for url in urls]
    pages = ["", "http://p.test/", "", "http://q.test/"]
    rows = [CandidateRef(Candidate(*row)) for row in zip(keys, urls, "cccc", pages, strict=True)]
    again = Candidate(keys[1], urls[1], "c", "http://z.test/")  # found on another page as well
    image = InlineImage(Candidate(local_pair_key(b"bytes", "c"), "", "c"), b"bytes")
    read = [*rows, CandidateRef(again), *spill([image], str(tmp_path))]
    packed = [pack(row) for row in read if isinstance(row, CandidateRef)]
    listed = {
        digest("url", "a.test/a.jpg"),
        digest("host", "p.test"),
        digest("key", keys[2]),
        digest("image", local_pair_key(b"bytes", "")[:24]),
    }
    write_refusals(RunFolder(str(tmp_path)), Refusals(frozenset(listed)))
    task = replace(TASK, root=str(tmp_path))
    result = complete_shard(task, 0, iter([Settled.of(packed, Counter())]), None)
    assert isinstance(result.rejected, pa.Table)
    assert result.kept["key"].to_pylist() == [keys[3]]
    assert {
        (r["key"], r["url"], r["caption"], r["reason"]) for r in result.rejected.to_pylist()
    } == {("", "", "", "removed")}
    assert result.rows_in == 6 == result.kept.num_rows + result.rejected.num_rows
