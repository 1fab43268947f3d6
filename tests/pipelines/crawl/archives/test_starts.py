import io
import random

import pytest

from pipelines.crawl.archives.starts import gzip_starts, is_gzip, plain_starts
from tests.support.archives import flip, gzip_records, http_record

RECORDS = [http_record(f"http://site.test/{n}", b"<img>" * n) for n in range(1, 5)]
FORGED = b"text\r\n\r\n" + http_record("http://bank.test/", b"<img src=a alt=b>") + b"\r\n\r\nmore"
FORGER = http_record("http://forger.test/", FORGED)


def _starts(content: bytes, start: int = 0) -> list[int]:
    return list(plain_starts(io.BytesIO(content), start))


def _places(*parts: bytes) -> list[int]:
    return [sum(map(len, parts[:n])) for n in range(len(parts))]


def test_a_record_inside_a_record_is_none():
    parts = [RECORDS[0], FORGER, *RECORDS[1:]]
    content = b"".join(parts)
    places = _places(*parts)
    assert _starts(content) == places
    for start in range(len(content)):
        assert _starts(content, start) == [place for place in places if place >= start]


@pytest.mark.parametrize("damaged", [0, 2])
def test_damage_elsewhere_makes_no_record_of_one_inside_another(damaged):
    parts = [RECORDS[0], FORGER, *RECORDS[1:]]
    places = _places(*parts)
    parts[damaged] = flip(parts[damaged], 2)
    assert _starts(b"".join(parts)) == places[:damaged] + places[damaged + 1 :]


@pytest.mark.parametrize(
    "broken",
    [
        RECORDS[1][:-9],  # shorter than its header says
        RECORDS[1][:-4] + b"junk" * 9 + b"\r\n\r\n",  # longer
        RECORDS[1].replace(b"Content-Length", b"Content-Width"),
        RECORDS[1].replace(b"Content-Length: ", b"Content-Length: 99999999999999999999"),
        RECORDS[1][:40],
        RECORDS[1] + b"\r\n\r\n\r\n",
        RECORDS[1] + b"junk\r\n\r\n",
    ],
)
def test_after_a_length_that_does_not_hold_the_next_start_is_searched(broken):
    parts = [RECORDS[0], broken, *RECORDS[2:]]
    parts[0] += b"" if broken.endswith(b"\n") else b"\r\n"
    parts[1] += b"" if broken.endswith(b"\r\n\r\n") else b"\r\n\r\n"
    assert _starts(b"".join(parts)) == _places(*parts)


def test_a_header_that_never_ends_hides_nothing():
    parts = [RECORDS[0], b"WARC/1.0\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", *RECORDS[1:]]
    assert _starts(b"".join(parts)) == _places(*parts)


def test_nothing_and_noise_have_no_start():
    noise = random.Random(0).randbytes(100_000)
    assert _starts(b"") == []
    assert _starts(noise) == []
    assert _starts(noise + b"\r\n\r\n" + RECORDS[0]) == [len(noise) + 4]


def test_what_is_packed():
    members = gzip_records(RECORDS)
    assert not is_gzip(io.BytesIO(b"".join(RECORDS)))
    assert is_gzip(io.BytesIO(b"".join(members)))
    assert is_gzip(io.BytesIO(flip(b"".join(members), 0)))
    assert list(gzip_starts(io.BytesIO(b"".join(members)), 1)) == _places(*members)[1:]
