import pytest

from pipelines.web.robots_file import Group, Line, group_for, read_lines


def group(*lines, token="us"):
    return group_for(read_lines("\n".join(lines).encode()), token)


def test_lines():
    body = b"\n# note\nUser Agent : x # us\n\x00Disallow: /\xc3\xa4%aa\r\nfoo: bar\nDisallow:\n"
    assert list(read_lines(body)) == [
        Line(3, "user-agent", "x"),
        Line(4, "disallow", "/%C3%A4%AA"),
        Line(5, "unknown", "foo: bar"),
        Line(6, "disallow", ""),
    ]


@pytest.mark.parametrize("line", ["Allowance: /", "Disallows: /", "users-agent: us", ": /", "/"])
def test_names_that_are_no_fields(line):
    assert [found.kind for found in read_lines(line.encode())] == ["unknown"]


def test_groups_of_one_name_are_one():
    lines = ["User-agent: us", "Allow: /a", "User-agent: x", "Disallow: /", "User-agent: us"]
    assert group(*lines, "Disallow: /b", "Disallow: /b") == Group(("/a",), ("/b",))


def test_everyones_group_is_for_those_without_their_own():
    lines = ["User-agent: *", "Disallow: /a", "User-agent: us", "Allow: /"]
    assert group(*lines) == Group(allows=("/",))
    assert group(*lines, token="them") == Group(disallows=("/a",))


def test_delays_belong_to_their_group():
    lines = ["User-agent: slow", "Crawl-delay: 20", "User-agent: *", "Crawl-delay: 2.5"]
    assert group(*lines).delays_s == (2.5,)
    assert group(*lines, token="slow").delays_s == (20.0, 2.5)
    assert group("User-agent: us", "Crawl-delay: -1", "Crawl-delay: 1e9", "Crawl-delay:") == Group()
