import gzip
import io

import pytest

from pipelines.crawl.tables.lines import MAX_LINE_BYTES, UnreadableLine, form_of, read_lines
from pipelines.crawl.tables.rows import Damage

TEXT = "\ufeffone\ntwo\r\n\nfour é".encode()


def _damage(line: str) -> Damage:
    assert isinstance(line, UnreadableLine)
    return line.damage


def test_lines_with_their_positions():
    assert list(read_lines(io.BytesIO(TEXT))) == [
        (0, "one\n"), (7, "two\r\n"), (12, "\n"), (13, "four é"),
    ]  # fmt: skip


@pytest.mark.parametrize("start", range(1, len(TEXT) + 2))
def test_a_line_belongs_to_where_it_starts(start):
    found = [place for place, _ in read_lines(io.BytesIO(TEXT), start)]
    assert found == [place for place in (0, 7, 12, 13) if place >= start]


@pytest.mark.parametrize("length", [MAX_LINE_BYTES, 3 * MAX_LINE_BYTES])
def test_a_long_line_is_dropped_whole_and_the_next_one_found(length):
    content = b"x" * length + b"\nnext"
    (_, line), last = read_lines(io.BytesIO(content))
    assert line == ""
    assert _damage(line).detail == f"a line of more than {MAX_LINE_BYTES} bytes"
    assert last == (length + 1, "next")
    assert list(read_lines(io.BytesIO(content), 5)) == [last]


def test_the_longest_line_that_is_read():
    content = b"x" * (MAX_LINE_BYTES - 1) + b"\n"
    assert [line for _, line in read_lines(io.BytesIO(content))] == [content.decode()]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_of_any_encoding_and_end(encoding, end, pack):
    words = ["one", "café", "", "four"] * 30_000  # more than a block
    content = pack(end.join(words).encode(encoding))
    lines = list(read_lines(io.BytesIO(content)))
    assert [text.rstrip("\r\n") for _, text in lines] == words
    assert {type(text) for _, text in lines} == {str}
    assert form_of(io.BytesIO(content)).is_whole == (
        pack is gzip.compress or end == "\r" or encoding.startswith("utf-16")
    )


@pytest.mark.parametrize(
    ("line", "encoding", "message"),
    [
        (b"\xd0\xba\xd0\xbe\xff", "utf-8", "not valid UTF-8 at byte 4 of 6"),
        (b"a\0b", "utf-8", "holds a NUL"),
        (b"\0\xd8b\0", "utf-16", "not valid UTF-16"),
    ],
)
def test_a_line_that_is_no_text_is_dropped_alone(line, encoding, message):
    first, last = "one\n".encode(encoding), "\nlast\n"
    content = first + line + last.encode(encoding.replace("16", "16-le"))
    (_, one), (_, bad), (_, other) = read_lines(io.BytesIO(content))
    assert (one, other) == ("one\n", "last\n")
    assert _damage(bad).reason == "bad_encoding"
    assert message in _damage(bad).detail


def test_utf_16_cut_inside_a_character():
    *_, last = read_lines(io.BytesIO("one\ntwo".encode("utf-16")[:-1]))
    assert _damage(last[1]).reason == "bad_encoding"


def test_a_stray_line_of_windows_1252_is_read_as_that():
    content = "один\n".encode() * 20_000 + b"caf\xe9\n" + "два\n".encode()
    assert [line for _, line in read_lines(io.BytesIO(content))][-2:] == ["café\n", "два\n"]


def test_damaged_compression_ends_the_lines_with_damage():
    words = "\n".join(str(n * n) for n in range(20_000))
    packed = gzip.compress(words.encode())
    *lines, last = read_lines(io.BytesIO(packed[: len(packed) // 2]))
    assert [line.strip() for _, line in lines] == words.split("\n")[: len(lines)]
    assert _damage(last[1]).detail == "damaged compression"
