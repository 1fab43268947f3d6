"""Lists that people write."""

import pytest

from pipelines.io.lists import hash_of_line, host_of_line, lines_in, url_of_line


def test_comments_and_blank_lines_are_no_entries_and_numbers_count_all_lines():
    content = "\ufeff# head\n\n one  # of two\nhttp://a.test/#part\n".encode()
    assert list(lines_in(content)) == [(3, "one"), (4, "http://a.test/#part")]


def test_entries_have_one_form():
    assert host_of_line("*.Bad.Example") == "bad.example"
    assert url_of_line("HTTPS://Bad.example:443/x/../y") == "bad.example/y"
    assert hash_of_line("SHA256:" + "AB" * 32) == "sha256:" + "ab" * 32
    assert hash_of_line("0" * 16) == "phash:" + "0" * 16


@pytest.mark.parametrize(
    ("parse", "line", "why"),
    [
        (host_of_line, "http://a.test/", "a host alone"),
        (host_of_line, "a.test:80", "a host alone"),
        (url_of_line, "a.test/x", "scheme"),
        (hash_of_line, "md5:00", "hexadecimal digits"),
        (hash_of_line, "pdq:00", "PDQ"),
    ],
)
def test_what_is_no_entry_says_why(parse, line, why):
    with pytest.raises(ValueError, match=why):
        parse(line)
