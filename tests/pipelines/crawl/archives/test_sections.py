import gzip
import io

import pytest

from pipelines.crawl.archives.sections import sections
from pipelines.crawl.splits import every
from tests.support.archives import flip, gzip_records, http_record

RECORDS = [http_record(f"http://site.test/{n}", b"<img>" * n) for n in range(1, 5)]


def _lengths(content: bytes, start: int = 0) -> list[int | None]:
    found = sections(io.BytesIO(content), start, every)
    return [None if s is None else len(s.open().read()) for s in found]


@pytest.mark.parametrize("records", [RECORDS, gzip_records(RECORDS)])
def test_each_record_is_a_section(records):
    sizes = [len(record) for record in records]
    assert _lengths(b"".join(records)) == sizes
    assert _lengths(b"".join(records), sizes[0]) == sizes[1:]
    assert _lengths(b"".join(records), sizes[0] + 1) == sizes[2:]
    assert _lengths(b"".join(records), sum(sizes)) == []


def test_a_member_that_is_no_record_is_no_start():
    members = gzip_records([RECORDS[0], b"some other text" * 9, RECORDS[1]])
    assert _lengths(b"".join(members)) == [len(members[0] + members[1]), len(members[2])]


def test_a_start_across_two_windows_is_found():
    window = 1 << 20
    for shift in range(-20, 4):
        head = http_record("http://site.test/", b"x" * window)
        padding = window + shift - len(head)
        content = head[:-4] + b"y" * max(0, padding) + b"\r\n\r\n" + RECORDS[0]
        assert _lengths(content)[-1] == len(RECORDS[0])
        packed = gzip.compress(head, 0)
        packed += b"\0" * max(0, window + shift - len(packed)) + gzip_records(RECORDS[:1])[0]
        assert len(_lengths(packed)) == 2


def test_a_large_section_is_read_as_it_is_used():
    large = http_record("http://site.test/", b"x" * (9 << 20))
    first, second = sections(io.BytesIO(large + RECORDS[0]), 0, every)
    assert first is not None
    assert second is not None
    content = first.open()
    assert content.seek(0, io.SEEK_END) == len(large)
    content.seek(len(large) - 3)
    assert content.read() == large[-3:]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (gzip_records(RECORDS[:1])[0], False),
        (gzip_records(RECORDS[:1])[0] + b"junk", True),
        (gzip_records(RECORDS[:1])[0] + gzip.compress(b"a footer"), False),
        (gzip_records(RECORDS[:1])[0] + gzip.compress(b"a footer")[:-3], True),
        (flip(gzip_records(RECORDS[:1])[0], -6), False),
        (RECORDS[0], False),
        (RECORDS[0][:-9], False),
        (RECORDS[0] + b"junk", True),
        (b"WARC/1.0\r\nno length\r\n\r\njunk", False),
    ],
)
def test_what_follows_the_records_of_a_section(content, expected):
    (section,) = sections(io.BytesIO(content), 0, every)
    assert section is not None
    assert section.has_rest() is expected


def test_a_damaged_head_does_not_hide_what_the_archive_is():
    members = gzip_records(RECORDS)
    members[0] = flip(members[0], 0)
    assert _lengths(b"".join(members)) == [None, *map(len, members[1:])]
