import gzip
import io
import random
import zlib
from collections.abc import Callable

import pytest

from pipelines.crawl.archives import inflated
from pipelines.crawl.archives.inflated import RAW_WBITS, Inflated, Unpacked, Unzstd
from tests.support.archives import flip
from tests.support.codings import raw_deflate, zstd

TEXT = bytes(random.Random(1).choices(b"abcdefgh", k=600_000))
PACKED = gzip.compress(TEXT, 1)


def _members() -> bytes:
    parts = [TEXT[at : at + 100_000] for at in range(0, len(TEXT), 100_000)]
    return b"".join(gzip.compress(part, 1) for part in parts)


STREAMS: list[Callable[[], Unpacked]] = [
    lambda: Inflated(io.BytesIO(PACKED)),
    lambda: Inflated(io.BytesIO(_members())),
    lambda: Inflated(io.BytesIO(raw_deflate(TEXT)), RAW_WBITS, len(TEXT), zlib.crc32(TEXT)),
    lambda: Unzstd(io.BytesIO(zstd(TEXT))),
]


@pytest.mark.parametrize("kept", [1 << 24, 1 << 18])
@pytest.mark.parametrize("number", range(4))
def test_any_place_can_be_read_in_any_order(number, kept, monkeypatch):
    monkeypatch.setattr(inflated, "_KEPT_BYTES", kept)
    monkeypatch.setattr(inflated, "_MARK_BYTES", 100_000)
    monkeypatch.setattr(inflated, "_MAX_MARKS", 3)
    content, chance = io.BufferedReader(STREAMS[number](), 100), random.Random(number)
    for _ in range(12):
        at = chance.randrange(len(TEXT) + 50)
        content.seek(at)
        assert content.read(700) == TEXT[at : at + 700]
    assert content.seek(0, io.SEEK_END) == len(TEXT)
    content.seek(0)
    assert content.read() == TEXT


@pytest.mark.parametrize("number", range(4))
def test_sound_content_is_not_damaged(number):
    content = STREAMS[number]()
    content.seek(0, io.SEEK_END)
    assert not content.is_damaged


@pytest.mark.parametrize(
    ("content", "at_least"),
    [
        (Inflated(io.BytesIO(flip(PACKED, 200_000))), 300_000),
        (Inflated(io.BytesIO(PACKED[:-4])), len(TEXT)),
        (Inflated(io.BytesIO(flip(PACKED, -6))), len(TEXT) - 1),
        (Inflated(io.BytesIO(PACKED + b"\x1f\x8b\x08junk" * 9)), len(TEXT)),
        (Inflated(io.BytesIO(raw_deflate(TEXT)), RAW_WBITS, len(TEXT), 5), len(TEXT)),
        (Unzstd(io.BytesIO(zstd(TEXT)[:-9])), 500_000),
    ],
)
def test_it_ends_before_damage(content, at_least):
    found = io.BufferedReader(content).read()
    assert content.is_damaged
    assert len(found) >= at_least
    assert found[:at_least] == TEXT[:at_least]


def test_what_is_sound_are_whole_members():
    content = Inflated(io.BytesIO(gzip.compress(b"ab") + gzip.compress(b"cd") + b"\x1f\x8b\x08"))
    content.seek(0, io.SEEK_END)
    assert (content.sound, content.is_damaged) == (4, True)


def test_a_limit_is_an_end():
    assert Inflated(io.BytesIO(raw_deflate(TEXT)), RAW_WBITS, 10).read(99) == TEXT[:10]
    assert Inflated(io.BytesIO(PACKED), limit=10).read(99) == TEXT[:10]
