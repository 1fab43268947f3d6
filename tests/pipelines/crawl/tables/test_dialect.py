import pytest

from pipelines.crawl.tables.cells import Dialect
from pipelines.crawl.tables.dialect import dialect_of, width_of

U, V, W = (f"http://site.test/{n}.jpg" for n in range(3))


def _dialect(text, suffix="csv"):
    return dialect_of(list(enumerate(text.splitlines(keepends=True))), suffix)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (f"url,caption\n{U},a; b\n{V},c; d\n", ","),
        (f"url;caption, in English\n{U};a dog\n{V};b\n", ";"),
        (f"url;caption\n{U};a, b\n{V};c, d\n", ";"),
        (f"{U};a, b\n{V};c, d\n", ";"),
        (f"{U}|a, b\n{V}|c; d\n", "|"),
        (f"url\tcaption\n{U}\ta, b\n{V}\tc, d\n", "\t"),
        (f"title, of all\nurl;caption\n{U};a\n{V};b, c\n", ";"),
        (f"url,caption\n{U}?crop=20,10,x0,y0,an old car\n{V},a\n", ","),
        (f'caption|url\n"a | b"|{U}\nc, d|{V}\n', "|"),
        (f"title, a text\t{U}\na, text\t{V}\nb\t{W}\n", "\t"),
        ("file_name,text\n0.png,a; b\n1.png,c; d\n", ","),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_the_delimiter_is_that_of_most_rows(text, mark, suffix):
    assert _dialect(text, suffix).delimiter == mark


@pytest.mark.parametrize(("suffix", "mark"), [("csv", ","), ("tsv", "\t")])
def test_the_usual_delimiter_where_none_is_seen(suffix, mark):
    assert _dialect("alone\n", suffix).delimiter == mark
    assert _dialect("", suffix).delimiter == mark


@pytest.mark.parametrize(
    ("text", "is_quoted"),
    [
        (f'{U}\t"quoted ""thing"""\n{V}\tplain\n', True),
        (f'{U}\t"two\nlines"\n{V}\tplain\n', True),
        (f'{U}\t"a \t tab"\n', True),
        (f'"{U}"\t"a"\n"{V}"\t"b"\n', True),
        (f'{U}\t"a red, big car"\n{V}\tplain\n', True),
        (f'{U}\t"a ""b"""\n{V}\t"open\n{W}\t"c ""d"""\n', True),
        (f'{U}\t"a red, big car"\n{V}\tplain, with a comma\n', False),
        (f'{U}\t"Hello" he said\n{V}\tplain\n', False),
        (f'{U}\t"Hello"\n{V}\tplain\n', False),
        (f'{U}\ta 5" disk\n{V}\t"\n', False),
        (f'"open\t{U}\nb\t{V}\n', False),
        (f"{U}\ta\n", False),
    ],
)
def test_a_table_parted_by_tabs_is_quoted_if_it_shows_that(text, is_quoted):
    assert _dialect(text, "tsv") == Dialect("\t", is_quoted)
    assert _dialect(text, "csv") == Dialect("\t", is_quoted)


def test_other_tables_are_quoted():
    assert _dialect(f'url,caption\n{U},"open\n') == Dialect(",", is_quoted=True)


@pytest.mark.parametrize(
    ("text", "skips_space"),
    [
        (f'url, caption\n{U}, "a blue, big dog"\n', True),
        (f"{U}, a\n{V}, b\n{W},c\n", True),
        (f'url, caption\n{U}, "a,b"\n{V}, "c,d,e"\n{W}, "two\nlines,of it"\n', True),
        (f"url,caption\n{U}, a\n{V},b\n", False),
        (f"url,caption\n{U},a\n", False),
    ],
)
def test_a_blank_behind_most_delimiters(text, skips_space):
    assert _dialect(text).skips_space == skips_space


@pytest.mark.parametrize(
    ("widths", "width"), [([2, 3, 2], 2), ([1, 2], 2), ([3, 2], 2), ([1, 1, 2], 1), ([], 2)]
)
def test_the_width_of_most_rows(widths, width):
    assert width_of([["x"] * n for n in widths]) == width
