"""Web archives with oddities planted in them, and what is to become of each record.

`odd_archive(seed)` gives the same archive each time; run as many as you like:
`all(not faults_of(odd_archive(seed)) for seed in range(10_000))`.
"""

import gzip
import io
import random
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from operator import gt
from typing import BinaryIO

from pipelines.crawl.archives.wacz import read_wacz
from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.books import PassedOver
from pipelines.crawl.pages.page import Page
from pipelines.crawl.splits import Claim, every
from pipelines.crawl.stored import StoredImage
from pipelines.rejection import Rejection
from tests.support.archives import flip, http_record, wacz_of, warc_record
from tests.support.codings import brotli, chunked, raw_deflate, zstd

MAX_PAGE_BYTES = 1 << 20

Row = Page | StoredImage | Rejection | PassedOver

_PAGE, _BAD = "page", "rejection"  # any other outcome is a kind that is counted
_IMAGE = "image responses"
_CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("Content-Encoding: gzip", gzip.compress),
    ("content-encoding: X-GZIP", gzip.compress),
    ("Content-Encoding: br", brotli),
    ("Content-Encoding: zstd", zstd),
    ("Content-Encoding: deflate", zlib.compress),
    ("CONTENT-ENCODING: Deflate", raw_deflate),
    ("Transfer-Encoding: Chunked", chunked),
    ("Content-Encoding: utf-8", bytes),
    ("Content-Encoding: aws-chunked", bytes),
    ("Content-Encoding: none, identity", bytes),
]
_TYPES = ["text/html", "TEXT/HTML; Charset=UTF-8", "Application/XHTML+XML", 'text/html;charset="x"']
_HTTP = b"Content-Type: application/http"
_ODD_SPELLINGS = [
    (b"WARC-Type: response", b"warc-type: RESPONSE"),
    (b"WARC-Type: response", b"Warc-Type:Response"),
    (_HTTP, b"content-type: Application/HTTP; MsgType=response"),
    (b"Content-Length", b"content-length"),
    (b"WARC-Target-URI", b"Warc-Target-Uri"),
]

Record = tuple[bytes, str]


@dataclass(frozen=True)
class OddArchive:
    """An archive, and its books.

    Args:
        content: the file.
        is_zip: whether it is a WACZ.
        pages: URLs, one for each page.
        num_bad: records that must be rejected.
        passed_over: counts by kind.
        recipe: what was planted, for a failure to say.
    """

    content: bytes
    is_zip: bool
    pages: list[str]
    num_bad: int
    passed_over: Counter[str]
    recipe: list[str] = field(default_factory=list)


def faults_of(archive: OddArchive) -> list[str]:
    """Where the reader's books differ from what was put in; empty where all is well.

    An archive that can be read in parts is read in three as well.
    """
    content = io.BytesIO(archive.content)
    if archive.is_zip:
        return _faults(archive, read_wacz(content, MAX_PAGE_BYTES, MAX_PAGE_BYTES))
    third = len(archive.content) // 3 + 1
    parts = (_read(content, start, partial(gt, start + third)) for start in (0, third, 2 * third))
    whole = _faults(archive, _read(content))
    in_parts = _faults(archive, chain.from_iterable(parts))
    return whole + [f"in parts, {fault}" for fault in in_parts]


def _read(content: BinaryIO, start: int = 0, claim: Claim = every) -> Iterator[Row]:
    return read_warc(content, MAX_PAGE_BYTES, start, claim, max_image_bytes=MAX_PAGE_BYTES)


def _faults(archive: OddArchive, rows: Iterable[Row]) -> list[str]:
    pages: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    num_bad = 0
    for row in rows:  # images are counted, whether they are stored as well or not
        if isinstance(row, Page):
            pages[row.url] += 1
        elif isinstance(row, PassedOver):
            passed[row.what] += row.count
        elif isinstance(row, Rejection):
            num_bad += 1
    compared = [
        ("pages", pages, Counter(archive.pages)),
        ("rejections", num_bad, archive.num_bad),
        ("passed over", passed, archive.passed_over),
    ]
    return [f"{what}: {got}, not {due}" for what, got, due in compared if got != due]


def odd_archive(seed: int) -> OddArchive:
    """An archive of up to a dozen records, packed in one of several ways."""
    chance = random.Random(seed)
    packing = chance.choice(list(_PACKINGS))
    records = list(_planted(chance, can_be_damaged=packing != "zstd"))
    is_zip = packing != "zstd" and chance.random() < 0.3
    content = _PACKINGS[packing](chance, records)
    outcomes = [outcome for _, outcome in records]
    passed = Counter(o for o in outcomes if not o.startswith("http") and o != _BAD)
    if is_zip:
        method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
        others = {f"pages/{n}.jsonl": b"{}" for n in range(chance.randrange(3))}
        content = wacz_of({"archive/data.warc.gz": content, **others}, method)
        passed += Counter({"other members of the zip": len(others)})
    return OddArchive(
        content,
        is_zip,
        [outcome for outcome in outcomes if outcome.startswith("http")],
        outcomes.count(_BAD),
        passed,
        [packing, *outcomes],
    )


def _planted(chance: random.Random, *, can_be_damaged: bool) -> Iterator[Record]:
    """Records with their outcomes; no two damaged ones in a row, which count as one."""
    was_damaged = False
    for number in range(chance.randrange(1, 13)):
        url = f"http://site.test/{number}"
        kind = chance.choice(_KINDS)
        record, outcome = kind(chance, url)
        is_damaged = can_be_damaged and outcome == _PAGE and chance.random() < 0.2
        if is_damaged and not was_damaged:
            record, outcome = chance.choice(_DAMAGES)(chance, record), _BAD
            was_damaged = True
        else:
            was_damaged = False
        yield record, url if outcome == _PAGE else outcome


def _html(chance: random.Random) -> bytes:
    text = "".join(chance.choices("abcdefgh ", k=chance.randrange(200, 3000)))
    start = chance.choice(["<!doctype html>", "\n<!-- x --><p>", "<HTML>", "<?xml version='1.0'?>"])
    return f"{start}<img src=/1.jpg alt='{text[:20]}'>{text}".encode()


def _page(chance: random.Random, url: str) -> Record:
    header, encode = chance.choice(_CODINGS)
    body = _html(chance)
    stored = encode(body) if chance.random() < 0.5 else body
    record = http_record(url, stored, chance.choice(_TYPES), headers=[header])
    for old, new in chance.sample(_ODD_SPELLINGS, k=chance.choice([0, 0, 1, 2])):
        record = record.replace(old, new, 1)
    return record, _PAGE


def _resource(chance: random.Random, url: str) -> Record:
    return warc_record(url, _html(chance), "resource", chance.choice(_TYPES)), _PAGE


def _neither(chance: random.Random, url: str) -> Record:
    body = b"\xff\0\1" + chance.randbytes(200)
    coding = chance.choice(["gzip", "GZip", "zstd"])
    return http_record(url, body, headers=[f"Content-Encoding: {coding}"]), _BAD


def _image(chance: random.Random, url: str) -> Record:
    content_type = chance.choice(["image/png", "IMAGE/JPEG", "image/webp; x=y"])
    return http_record(url, chance.randbytes(chance.randrange(2000)), content_type), _IMAGE


def _of_status(chance: random.Random, url: str) -> Record:
    status, kind = chance.choice(
        [("302 Found", "redirects"), ("404 No", "error responses"), ("503 No", "error responses")]
    )
    return http_record(url, b"<html>", status=status), kind


def _of_type(chance: random.Random, url: str) -> Record:
    kind, what = chance.choice(
        [
            ("request", "request records"),
            ("Request", "request records"),
            ("revisit", "revisit records"),
            ("METADATA", "metadata records"),
            ("warcinfo", "warcinfo records"),
            ("conversion", "conversion records"),
            ("invented", "records of other types"),
        ]
    )
    return warc_record(url, b"<html>" * 20, kind, "text/plain"), what


def _other(chance: random.Random, url: str) -> Record:
    return chance.choice(
        [
            (warc_record("dns:x", b"192.0.2.1", "response", "text/dns"), "dns responses"),
            (http_record(url, b"%PDF", "application/pdf"), "responses that are not HTML"),
            (warc_record(url, b"%PDF", "resource", "application/pdf"), "resource records"),
            (warc_record(url, b"no HTTP at all"), _BAD),
            (http_record(url + "x" * 9000, b"<html>"), _BAD),
        ]
    )


_KINDS = [_page, _page, _page, _resource, _neither, _image, _of_status, _of_type, _other]


def _of_no_version(chance: random.Random, record: bytes) -> bytes:
    del chance
    return record.replace(b"WARC/1.0", b"XXXX/1.0", 1)


def _cut(chance: random.Random, record: bytes) -> bytes:
    return record[: -chance.randrange(10, 150)]


def _too_long(chance: random.Random, record: bytes) -> bytes:
    if b"hunked" in record:  # which says where it ends
        return _cut(chance, record)
    at = record.lower().index(b"content-length: ") + len("content-length: ")
    return record[:at] + b"9" + record[at:]


_DAMAGES = [_of_no_version, _cut, _too_long]


def _plain(chance: random.Random, records: list[Record]) -> bytes:
    del chance
    return b"".join(record for record, _ in records)


def _whole_gzip(chance: random.Random, records: list[Record]) -> bytes:
    return gzip.compress(_plain(chance, records), chance.choice([0, 1, 9]), mtime=0)


def _by_record(chance: random.Random, records: list[Record]) -> bytes:
    """Each its own member; some of what is whole is damaged as a member instead."""
    members = []
    was_bad = True  # damage before the first start is not told from damage in it
    for number, (record, outcome) in enumerate(records):
        member = gzip.compress(record, mtime=0)
        follows_bad = number + 1 < len(records) and records[number + 1][1] == _BAD
        if outcome != _BAD and not was_bad and not follows_bad and chance.random() < 0.15:
            member = flip(member, chance.choice([len(member) // 2, len(member) - 6]))
            records[number] = (record, _BAD)
        was_bad = records[number][1] == _BAD
        members.append(member)
    return b"".join(members)


def _by_zstd(chance: random.Random, records: list[Record]) -> bytes:
    content = [record for record, _ in records]
    return b"".join(map(zstd, content)) if chance.random() < 0.5 else zstd(b"".join(content))


_PACKINGS: dict[str, Callable[[random.Random, list[Record]], bytes]] = {
    "plain": _plain,
    "whole gzip": _whole_gzip,
    "gzip by record": _by_record,
    "zstd": _by_zstd,
}
