import pytest
import yaml

from pipelines.io.material import COMMENTS, MAX_COMMENT, line, quoted, section


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "naïve 🦀",
        'say "yes" \\ no',
        "two\nlines",
        "\x7f\x85",
        "",
        "a\u200d😀",
        "\u202e🦀\udcff",
    ],
)
def test_a_quoted_text_is_read_as_it_was(text):
    assert yaml.safe_load(f"key: {quoted(text)}") == {"key": text}


def test_comments_stand_below_each_other():
    lines = section("s", line("  a: 1", "one"), line("  bb: 2", "two")).splitlines()
    assert [one.find("#") for one in lines] == [-1, COMMENTS + 1, COMMENTS + 1]
    assert yaml.safe_load("\n".join(lines)) == {"s": {"a": 1, "bb": 2}}


@pytest.mark.parametrize("comment", ["one\nkey: 2", "\x00\x1b\u2028", "x" * 10_000, "\ud800"])
def test_nothing_in_a_comment_ends_it(comment):
    text = line("a: 1", comment)
    assert yaml.safe_load(text) == {"a": 1}
    assert len(text.splitlines()) == 1
    assert len(text) <= MAX_COMMENT + COMMENTS + 3
