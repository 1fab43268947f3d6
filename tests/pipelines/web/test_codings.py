import gzip
import zlib

import pytest

from pipelines.web.codings import (
    CodingError,
    CutBodyError,
    content_codings,
    decoded,
    peek,
    transfer_codings,
)
from tests.support.codings import brotli, zstd

TEXT = bytes(range(256)) * 40
CHUNKED = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"


def pieces(body, size=7):
    return (body[i : i + size] for i in range(0, len(body), size))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("GZIP", ["gzip"]),
        ("x-gzip, Br", ["gzip", "br"]),
        ("identity", []),
        ("utf-8", []),
        ("aws-chunked", []),
        ("none, gzip,", ["gzip"]),
        ("compress", ["compress"]),
        ("", []),
    ],
)
def test_names_of_codings_have_no_case_and_others_are_none(header, expected):
    assert content_codings(header) == expected


def test_transfer_codings():
    assert transfer_codings("gzip, Chunked") == ["gzip", "chunked"]
    assert transfer_codings("identity") == []


@pytest.mark.parametrize("size", [1, 7, 5000])
@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli), ("zstd", zstd)],
)
def test_a_coding_is_removed_if_the_body_has_it(coding, encode, size):
    found, had_it = decoded(pieces(encode(TEXT), size), coding)
    assert (b"".join(found), had_it) == (TEXT, True)
    found, had_it = decoded(pieces(b"<p>" + TEXT, size), coding)
    assert (b"".join(found), had_it) == (b"<p>" + TEXT, False)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks(size):
    found, had_it = decoded(pieces(CHUNKED, size), "chunked")
    assert (b"".join(found), had_it) == (b"hello world", True)
    found, had_it = decoded(pieces(b"hello world", size), "chunked")
    assert (b"".join(found), had_it) == (b"hello world", False)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"5\r\nhello\r\nx\r\n world\r\n0\r\n\r\n", b"hellox\r\n world\r\n0\r\n\r\n"),
        (b"5\r\nhello world", b"hello world"),
        (b"5\nhello\n0\n\n", b"hello"),
        (b"5\r\nhel", b"hel"),
        (b"5\r\nhello\r\n", b"hello"),
        (b"5\r\nhello\r\n5", b"hello"),
        (b"ffffffffffffffffffff\r\nhello", b"ffffffffffffffffffff\r\nhello"),
    ],
)
def test_chunks_that_are_damaged(body, expected):
    assert b"".join(decoded(pieces(body, 3), "chunked")[0]) == expected


def test_an_endless_size_is_not_awaited():
    def endless():
        yield b"5\r\nhello\r\n"
        while True:
            yield b"5" * 500

    found, _ = decoded(endless(), "chunked")
    assert next(found) == b"hello"
    assert len(next(found)) < 3000


def test_damage_is_an_error_and_a_cut_one_of_its_own():
    body = gzip.compress(TEXT)
    with pytest.raises(CutBodyError):
        list(decoded([body[:-9]], "gzip")[0])
    with pytest.raises(CodingError, match="does not decompress"):
        list(decoded([body[:20] + b"\xff" * 40 + body[60:]], "gzip")[0])


def test_a_coding_that_cannot_be_removed_is_one_that_is_not_there():
    assert decoded([b"\x1f\x9d..."], "compress")[1] is False


def test_peek_takes_nothing():
    head, rest = peek(pieces(TEXT))
    assert TEXT.startswith(head)
    assert len(head) == 1024
    assert b"".join(rest) == TEXT
