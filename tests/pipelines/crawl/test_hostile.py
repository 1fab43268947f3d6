"""Ten thousand records made to break the reader: each costs its own rows or one rejection.

The law of the books: the rows of an archive are those of its records, each read by itself, in
order. A page that is read gives at least one row, since it begins with an image; a page that is
not read, and a record that cannot be, gives exactly one rejection.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.crawl.candidates import Found, to_candidate
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.inputs import read_input
from pipelines.crawl.pages.page import Page, read_page
from pipelines.crawl.sources import InputFile, Source
from pipelines.records import Candidate
from pipelines.rejection import Rejection
from tests.support.archives import flip, gzip_records, http_record
from tests.support.hostile import hostile_page, hostile_wat_record, long_line_page, packed_page

CONFIG = CrawlConfig(sources=(Source(path="unused"),))
NUM_RECORDS, NUM_DAMAGED, NUM_LARGE, NUM_WAT = 10_000, 400, 3, 2_000
LARGE_BYTES = 50_000_000
OF_PAGE = {"bad_page", "page_too_deep", "page_too_tangled"}

Row = Candidate | Rejection
Member = tuple[bytes, list[Row] | str]  # and its rows, or the reason of its one rejection


def _read(content: bytes, path: Path, kind: str) -> list[Row]:
    path.write_bytes(content)
    rows = read_input(InputFile(str(path), kind), CONFIG.sources[0], CONFIG)
    return [row for row in rows if isinstance(row, Candidate | Rejection)]


def _pages(count: int) -> Iterator[Member]:
    chance = random.Random(2021)
    for number in range(count):
        url, body = f"http://site.test/{number}", hostile_page(chance)
        rows = read_page(Page(url, body), "", CONFIG)
        alone = [to_candidate(row, CONFIG) if isinstance(row, Found) else row for row in rows]
        yield gzip_records([http_record(url, body)])[0], alone


def _large(count: int) -> Iterator[Member]:
    """Lines of 50 MB, as they are and packed to 50 kB."""
    headers = ["Content-Encoding: gzip"]
    long_line = http_record("http://site.test/", long_line_page(LARGE_BYTES))
    packed = http_record("http://site.test/", packed_page(LARGE_BYTES), headers=headers)
    for record in gzip_records([long_line, packed]):
        yield from [(record, "page_too_large")] * count


def _damaged(count: int) -> Iterator[Member]:
    chance = random.Random(7)
    for _ in range(count):
        (member,) = gzip_records([http_record("http://site.test/", chance.randbytes(400))])
        yield flip(member, chance.randrange(200, len(member) - 4)), "bad_record"


@pytest.mark.slow
def test_ten_thousand_hostile_pages(tmp_path):
    members = [*_large(NUM_LARGE), *_damaged(NUM_DAMAGED)]
    members += _pages(NUM_RECORDS - len(members))
    random.Random(3).shuffle(members)
    content = b"".join(member for member, _ in members)

    rows = iter(_read(content, tmp_path / "hostile.warc.gz", "warc"))
    for _, expected in members:
        if isinstance(expected, str):
            row = next(rows)
            assert isinstance(row, Rejection)
            assert row.reason == expected
        else:
            assert [next(rows, None) for _ in expected] == expected
            assert expected
            reasons = {row.reason for row in expected if isinstance(row, Rejection)}
            assert len(expected) == 1 or reasons.isdisjoint(OF_PAGE)
    assert next(rows, None) is None


@pytest.mark.slow
def test_two_thousand_hostile_records_of_metadata(tmp_path):
    chance = random.Random(2014)
    records = [hostile_wat_record(chance, f"http://site.test/{n}") for n in range(NUM_WAT)]
    alone = [_read(record, tmp_path / "one.wat", "wat") for record in records]
    assert _read(b"".join(records), tmp_path / "all.wat", "wat") == [
        r for rows in alone for r in rows
    ]
    for rows in alone:
        reasons = [row.reason for row in rows if isinstance(row, Rejection)]
        assert "bad_record" not in reasons or len(rows) == 1
    assert sum("bad_record" in repr(rows) for rows in alone) > NUM_WAT / 4
    assert sum(isinstance(row, Candidate) for rows in alone for row in rows) > NUM_WAT / 4
