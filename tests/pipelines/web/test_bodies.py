import gzip
import zlib

import pytest

from pipelines.web.bodies import read_body
from pipelines.web.failures import FetchError, Reason

TEXT = bytes(range(256)) * 40


def pieces(body, size=100):
    return [body[i : i + size] for i in range(0, len(body), size)]


def raw_deflate(body):
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(body) + encoder.flush()


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
def test_bodies_come_back_whole(encoding, encode):
    assert read_body(pieces(encode(TEXT), 7), encoding, cap=len(TEXT)) == TEXT


def test_gzip_of_several_members():
    assert read_body([gzip.compress(b"ab") + gzip.compress(b"cd")], "gzip", cap=100) == b"abcd"


def test_one_byte_too_many_is_refused_and_nothing_is_read_after_it():
    read = []

    def endless():
        while True:
            read.append(1)
            yield b"x" * 10

    with pytest.raises(FetchError) as caught:
        read_body(endless(), "", cap=55)
    assert caught.value.failure.reason is Reason.TOO_LARGE
    assert caught.value.failure.threshold == 55
    assert len(read) == 6


@pytest.mark.parametrize(
    ("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_bomb_is_cut_at_the_cap(encoding, encode):
    bomb = encode(bytes(20_000_000))
    assert len(bomb) < 200_000
    with pytest.raises(FetchError) as caught:
        read_body(pieces(bomb, 65536), encoding, cap=200_000)
    assert caught.value.failure.reason is Reason.TOO_LARGE


def test_an_endless_stream_that_decompresses_to_nothing_is_cut():
    def nothing():
        yield raw_deflate(b"")[:0] + b"\x00\x00\x00\xff\xff"
        while True:
            yield b"\x00\x00\x00\xff\xff"  # a stored block of no bytes, not the last

    with pytest.raises(FetchError) as caught:
        read_body(nothing(), "deflate", cap=1000)
    assert caught.value.failure.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("br", b"whatever", Reason.UNKNOWN_ENCODING),
        ("gzip, gzip", b"whatever", Reason.UNKNOWN_ENCODING),
        ("gzip", b"not gzip at all", Reason.BROKEN_RESPONSE),
        ("gzip", gzip.compress(TEXT)[:-20], Reason.BROKEN_RESPONSE),
        ("deflate", zlib.compress(TEXT)[:-8], Reason.BROKEN_RESPONSE),
    ],
)
def test_what_cannot_be_decoded(encoding, body, reason):
    with pytest.raises(FetchError) as caught:
        read_body([body], encoding, cap=100_000)
    assert caught.value.failure.reason is reason


def test_an_empty_gzip_body_is_an_empty_body():
    assert read_body([], "", cap=10) == b""


def test_the_head_of_a_long_body_can_be_kept():
    assert read_body(pieces(TEXT), "", cap=300, keeps_head=True) == TEXT[:300]
    assert read_body(pieces(gzip.compress(TEXT)), "gzip", 300, keeps_head=True) == TEXT[:300]


PNG = b"\x89PNG\r\n\x1a\n" + TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "aws-chunked", "none", "UTF-8, identity"])
def test_a_name_that_is_no_coding_is_passed_over(encoding):
    assert read_body(pieces(TEXT), encoding, cap=len(TEXT)) == TEXT
    with pytest.raises(FetchError) as caught:
        read_body(pieces(TEXT), encoding, cap=len(TEXT) - 1)
    assert caught.value.failure.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, br"])
@pytest.mark.parametrize("body", [PNG, b"<!doctype html><p>" + TEXT])
def test_what_is_seen_to_be_plain_is_taken_as_it_is(encoding, body):
    assert read_body(pieces(body), encoding, cap=100_000) == body


def test_names_of_codings_have_no_case():
    assert read_body([gzip.compress(TEXT)], "none, GZip", cap=100_000) == TEXT


def test_a_robots_txt_without_its_coding_is_text():
    rules = b"User-agent: *\nDisallow: /x\n"
    assert read_body([rules], "gzip", cap=100, keeps_head=True) == rules
    with pytest.raises(FetchError):
        read_body([b"\xff\0\1" + rules], "gzip", cap=100, keeps_head=True)
