import io

import pytest

from pipelines.crawl.tables.lines import MAX_LINE_BYTES, read_lines

TEXT = "\ufeffone\ntwo\r\n\nfour é".encode()


def test_lines_with_their_positions():
    assert list(read_lines(io.BytesIO(TEXT))) == [
        (0, "one\n"), (7, "two\r\n"), (12, "\n"), (13, "four é"),
    ]  # fmt: skip


@pytest.mark.parametrize("start", range(1, len(TEXT) + 2))
def test_a_line_belongs_to_where_it_starts(start):
    found = [place for place, _ in read_lines(io.BytesIO(TEXT), start)]
    assert found == [place for place in (0, 7, 12, 13) if place >= start]


@pytest.mark.parametrize("length", [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES])
def test_a_long_line_is_cut_and_the_next_one_found(length):
    content = b"x" * length + b"\nnext"
    (_, line), last = read_lines(io.BytesIO(content))
    assert len(line) <= MAX_LINE_BYTES
    assert last == (length + 1, "next")
    assert list(read_lines(io.BytesIO(content), 5)) == [last]
