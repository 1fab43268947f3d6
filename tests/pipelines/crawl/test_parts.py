"""Every kind of input, clean and damaged, read in parts of any size: the same rows as in one."""

import gzip
import io
import json
import random
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files, ranges
from pipelines.crawl import splits
from pipelines.crawl.archives import records, starts
from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import resolve
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claim
from pipelines.crawl.tables import text
from tests.support.archives import flip, gzip_records, http_record, warc_record
from tests.support.codings import zstd
from tests.support.counted_store import PROTOCOL, counted_store
from tests.support.sources import samples, tar_of, write_image_folder

STEPS = (1, 7, 64, 511, 512, 1000, 4096, 10**9)


def _pages(count: int) -> list[bytes]:
    page = '<img src="/{0}.jpg" alt="picture {0}"><p>{1}'
    return [
        http_record(f"http://site.test/{n}", page.format(n, "x" * (n * 53 % 300)).encode())
        for n in range(count)
    ]


def _warc() -> bytes:
    return b"".join([warc_record("", b"software: x", "warcinfo", "text/x"), *_pages(4)])


def _warc_gz() -> bytes:
    return b"".join(gzip_records([warc_record("", b"s: x", "warcinfo", "text/x"), *_pages(8)]))


def _many_records_in_a_member() -> bytes:
    return gzip.compress(b"".join(_pages(3))) + b"".join(gzip_records(_pages(5)[3:]))


def _archive_in_an_archive() -> bytes:
    """A page that holds a gzipped archive, stored without compression."""
    inner = b"".join(gzip_records(_pages(3)))
    outer = http_record("http://site.test/inner.warc.gz", inner, "application/gzip")
    members = gzip_records(_pages(2))
    return members[0] + gzip.compress(outer, 0) + members[1]


def _forgery() -> bytes:
    """Pages that hold records of other pages."""
    forged = b"\r\n\r\n".join([b"", *_pages(2), b""])
    return b"".join([*_pages(2), http_record("http://site.test/forger", forged), *_pages(4)[2:]])


def _wat() -> bytes:
    records = []
    for number in range(5):
        links = [{"path": "IMG@/src", "url": f"/{number}.jpg", "alt": f"picture {number}"}]
        html = {"HTML-Metadata": {"Links": links}, "Headers": {"Content-Type": "text/html"}}
        answer = {"Response-Message": {"Status": "200"}} | html
        envelope = {"Payload-Metadata": {"HTTP-Response-Metadata": answer}}
        body = json.dumps({"Envelope": envelope}).encode()
        records.append(
            warc_record(f"http://site.test/{number}", body, "metadata", "application/json")
        )
    return b"".join(gzip_records(records))


def _tsv() -> bytes:
    lines = ["", "CAPTION\tURL", "", *(f"row {n}\thttp://site.test/{n}.jpg" for n in range(20))]
    return ("\ufeff" + "\r\n".join([*lines, "alone", "", "last\thttp://site.test/z.jpg"])).encode()


def _headless() -> bytes:
    return "".join(f"http://site.test/{n}.jpg\té {n}\n" for n in range(30)).encode()


def _json_lines() -> bytes:
    rows = [{"url": f"http://site.test/{n}.jpg", "caption": [f"{n}", "b"]} for n in range(12)]
    return "\n".join([*map(json.dumps, rows), "{", "[]", "", json.dumps(rows[0])]).encode()


def _late_json_lines() -> bytes:
    rows: list[dict[str, str]] = [{"alt": f"caption {n}"} for n in range(130)]
    for number, row in enumerate(rows[101:]):
        row |= {"url": f"http://site.test/{number}.jpg", "license": f"CC-{number}"}
    return "\n".join(map(json.dumps, rows)).encode()


def _odd_tsv() -> bytes:
    lines = [f'a "lone" one {n}\thttp://site.test/{n}.jpg' for n in range(20)]
    lines[7] += "\tmore"
    lines[9] = '"open\thttp://site.test/9.jpg'
    return "\n".join(lines).encode("cp1252") + b"\ncaf\xe9\thttp://site.test/z.jpg\n\x81\t\0\n"


def _quoted_tsv() -> bytes:
    return _csv().replace(b",", b"\t")


def _csv() -> bytes:
    return b"url,caption\n" + b"".join(
        b'http://site.test/%d.jpg,"two\nlines, %d"\n' % (n, n) for n in range(20)
    )


def _parquet() -> bytes:
    sink = io.BytesIO()
    urls = [f"http://site.test/{n}.jpg" for n in range(20)]
    table = pa.table({"url": urls, "caption": [f"caption {n:06d}" for n in range(20)]})
    pq.write_table(table, sink, row_group_size=3, write_page_checksum=True, compression="none")
    return sink.getvalue()


def _image_parquet() -> bytes:
    sink = io.BytesIO()
    pairs = samples(7, side=4)
    images: list[dict[str, Any]] = [
        {"bytes": None if n == 3 else p.encoded, "path": "../../etc/passwd"}
        for n, p in enumerate(pairs)
    ]
    table = pa.table({"image": images, "text": [p.caption for p in pairs]})
    pq.write_table(table, sink, row_group_size=2)
    return sink.getvalue()


def _tar() -> bytes:
    members: list[tuple[str, bytes]] = []
    for number, pair in enumerate(samples(5, side=4)):
        stem = "long/" * 30 * (number == 2) + f"s{number}"
        members += [(f"{stem}.png", pair.encoded), (f"{stem}.txt", pair.caption.encode())]
        members += [(f"{stem}.cls", b"1"), (f"{stem}.pkl", b"cos\nsystem\n(S'true'\ntR.")]
    members.append(("only.txt", b"a text without a picture"))
    return tar_of(members, tarfile.PAX_FORMAT)


def _gnu_tar() -> bytes:
    pairs = samples(3, side=4)
    named = [("n" * 150 * (n == 1) + f"{n}", p) for n, p in enumerate(pairs)]
    members = [
        m for name, p in named for m in ((f"{name}.jpg", p.encoded), (f"{name}.json", b'{"x": 1}'))
    ]
    return tar_of([*members, ("j.png", b"png"), ("j.json", b"{")], tarfile.GNU_FORMAT)


CLEAN: dict[str, Callable[[], bytes]] = {
    "a.warc": _warc,
    "a.warc.gz": _warc_gz,
    "members.warc.gz": _many_records_in_a_member,
    "nested.warc.gz": _archive_in_an_archive,
    "whole.warc.gz": lambda: gzip.compress(b"".join(_pages(12)), 0),
    "a.warc.zst": lambda: b"".join(map(zstd, _pages(12))),
    "forgery.warc": _forgery,
    "a.warc.wat.gz": _wat,
    "header.tsv": _tsv,
    "headless.tsv": _headless,
    "a.jsonl": _json_lines,
    "late.jsonl": _late_json_lines,
    "odd.tsv": _odd_tsv,
    "odd.csv": _odd_tsv,
    "quoted.tsv": _quoted_tsv,
    "utf-16.tsv": lambda: _headless().decode().encode("utf-16"),
    "returns.tsv": lambda: _headless().replace(b"\n", b"\r"),
    "a.csv": _csv,
    "urls.parquet": _parquet,
    "pictures.parquet": _image_parquet,
    "pax.tar": _tar,
    "gnu.tar": _gnu_tar,
    "two.tar": lambda: _tar() + _gnu_tar(),
}


def _resolved(path: Path | str) -> tuple[InputFile, Source, CrawlConfig]:
    source = Source(path=str(path))
    (file,) = resolve(source, "crawl.sources[0]")
    return file, source, CrawlConfig(sources=(source,))


def _ascending(start: int, stop: int) -> Claim:
    """Claim what lies before `stop`, and insist on the order that a runner insists on."""
    claimed: list[int] = []

    def claim(position: int) -> bool:
        assert position >= start
        assert not claimed or (position > claimed[-1] and claimed[-1] < stop)
        claimed.append(position)
        return position < stop

    return claim


def _in_parts(path: Path | str, step: int) -> Counter[str]:
    file, source, config = _resolved(path)
    size = input_extent(file).size
    starts = list(range(0, size, step))
    random.Random(step).shuffle(starts)
    rows: Counter[str] = Counter()
    for start in starts:
        claim = _ascending(start, min(start + step, size))
        rows.update(_counted(read_input(file, source, config, start, claim)))
    return rows


def _counted(rows: Iterable[Any]) -> Counter[str]:
    """How often each row is there, and how much of each kind is passed over."""
    counts: Counter[str] = Counter()
    for row in rows:
        is_count = isinstance(row, PassedOver)
        counts[row.what if is_count else repr(row)] += row.count if is_count else 1
    return counts


def _assert_parts_make_the_whole(path: Path | str, steps: tuple[int, ...] = STEPS) -> Counter[str]:
    file, source, config = _resolved(path)
    whole = _counted(read_input(file, source, config))
    for step in steps:
        if input_extent(file).size / step <= 3000:
            assert _in_parts(path, step) == whole, f"parts of {step}"
    return whole


@pytest.mark.parametrize("name", CLEAN)
def test_parts_of_a_clean_input(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CLEAN[name]())
    assert sum(_assert_parts_make_the_whole(path).values()) >= 4


@pytest.mark.parametrize("name", sorted(CLEAN.keys() - {"a.csv", "quoted.tsv"}))
@pytest.mark.parametrize("seed", range(6))
def test_parts_of_a_damaged_input(tmp_path, name, seed):
    chance = random.Random(f"{name}{seed}")
    content = CLEAN[name]()
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content = flip(content, place)
            case 1:
                content = content[:place] + chance.randbytes(700) + content[place:]
            case 2:
                content = content[: place // 512 * 512] + content[place // 512 * 512 + 512 :]
            case _:
                content = content[:place] if place > len(content) / 2 else flip(content, place)
    path = tmp_path / name
    path.write_bytes(content)
    if content:
        _assert_parts_make_the_whole(path, (61, 512, 1000))


@pytest.mark.parametrize("name", CLEAN)
def test_parts_of_an_object_in_a_store(tmp_path, monkeypatch, name):
    """Asked for in blocks smaller than any unit, the last of which are held."""
    monkeypatch.setattr(ranges, "BLOCK_BYTES", 200)
    monkeypatch.setattr(ranges, "HEAD_BYTES", 50)
    path, url = tmp_path / name, f"{PROTOCOL}://bucket/{name}"
    path.write_bytes(CLEAN[name]())
    store = counted_store()
    files.write_bytes(url, path.read_bytes())
    file, source, config = _resolved(path)
    local = _counted(read_input(file, source, config))
    stored = _assert_parts_make_the_whole(url, (700,))
    assert Counter({row.replace(url, str(path)): count for row, count in stored.items()}) == local
    assert max(size for _, size in store.answers) <= 200


@pytest.mark.parametrize(("name", "most"), [("a.warc.gz", 1.25), ("a.warc", 2.7), ("a.tsv", 1.25)])
def test_what_a_store_sends_for_all_parts(monkeypatch, name, most):
    """With all sizes an eighth of what they are: a part has eight blocks, and fetches one more."""
    block = ranges.BLOCK_BYTES // 8
    for module, constant in (
        *((ranges, "BLOCK_BYTES"), (ranges, "HEAD_BYTES"), (splits, "SPLIT_BYTES")),
        *((starts, "WINDOW_BYTES"), (records, "_RUN_BYTES"), (text, "_HEAD_CHARS")),
    ):
        monkeypatch.setattr(module, constant, getattr(module, constant) // 8)
    store, url = counted_store(), f"{PROTOCOL}://bucket/{name}"
    content = _large(name, 36 * block)
    files.write_bytes(url, content)
    file, source, config = _resolved(url)
    extent = input_extent(file)
    parts = range(0, extent.size, extent.step)
    assert len(parts) >= 4
    store.answers.clear()
    for start in parts:
        claim = _ascending(start, start + extent.step)
        assert len(list(read_input(file, source, config, start, claim))) > 10
    assert sum(size for _, size in store.answers) < most * len(content)
    assert len(store.answers) < most * len(content) / block + 2 * len(parts)


def _large(name: str, num_bytes: int) -> bytes:
    """So many bytes or some more, in records or lines that hardly pack."""
    chance = random.Random(name)
    if name.endswith("tsv"):
        line = b"http://site.test/%d.jpg\t%s\n"
        num_lines = num_bytes // 430
        return b"".join(line % (n, chance.randbytes(200).hex().encode()) for n in range(num_lines))
    page = b"<img src=a alt=b>"
    found = [http_record("http://site.test/", page + chance.randbytes(60_000)) for _ in range(630)]
    return b"".join(gzip_records(found) if name.endswith("gz") else found)


def test_parts_of_an_image_folder(tmp_path):
    write_image_folder(tmp_path / "photos", samples(9), "metadata.csv")
    source = Source(path=f"{tmp_path}/photos")
    config = CrawlConfig(sources=(source,))
    for file in resolve(source, "k"):
        whole = _counted(read_input(file, source, config))
        size = input_extent(file).size
        parts: Counter[str] = Counter()
        for start in reversed(range(size)):
            claim = _ascending(start, start + 1)
            parts.update(_counted(read_input(file, source, config, start, claim)))
        assert parts == whole
