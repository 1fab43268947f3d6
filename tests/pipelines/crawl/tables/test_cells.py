import pytest

from pipelines.crawl.tables.cells import MAX_CELL_LINES, Dialect, rows_of
from pipelines.crawl.tables.lines import UnreadableLine
from pipelines.crawl.tables.rows import Damage

CSV = Dialect(",", is_quoted=True)
U, V, W = (f"http://site.test/{n}.jpg" for n in range(3))
OPEN = "not a row of CSV: a quote is opened and not closed"


def _rows(text, dialect=CSV):
    """The rows, and of those that cannot be read the detail."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(keepends=True))]
    return [
        row.detail if isinstance(row, Damage) else row for _, row in rows_of(iter(lines), dialect)
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"{U},a\n{V},b", [[U, "a"], [V, "b"]]),
        (f'{U},"a, ""b"""\r\n\r\n{V},b\r\n', [[U, 'a, "b"'], [V, "b"]]),
        (f'"two\nlines\n\nand one",{U}\n', [["two\nlines\n\nand one", U]]),
        (f'{U},5" disk\n', [[U, '5" disk']]),
        ('""\n,\n', [["", ""]]),
    ],
)
def test_sound_rows(text, rows):
    assert _rows(text) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f'{U},"open\n{V},b\n{W},c\n', [OPEN, [V, "b"], [W, "c"]]),
        (f'{U},a\n{V},"open', [[U, "a"], OPEN]),
        (f'"open,{U}\nb,{V}\n', [OPEN, ["b", V]]),
        (f'{U},"open\n{V},"b, c"\n', [OPEN, [V, "b, c"]]),
        (f'{U},"open\n{V},"two\nlines"\n', [OPEN, [V, "two\nlines"]]),
        (f'{U},"open\n{V},12"\n', [OPEN, [V, '12"']]),
        (f'{U},"open\n{V},""\n{W},c\n', [OPEN, [V, ""], [W, "c"]]),
        (f'"open,{U}\nsaw 12",{V}\n', [OPEN, "not a row of CSV: a quote closes nothing"]),
        ('0.png,"open\n1.png,a 12"\n', [OPEN, ["1.png", 'a 12"']]),
        (f'{U},"a" b\n{V},c\n', ["not a row of CSV: text follows a closing quote", [V, "c"]]),
    ],
)
def test_an_open_quote_costs_its_own_row(text, rows):
    assert _rows(text) == rows


def test_a_cell_has_as_many_lines_as_in_a_spreadsheet():
    lines = "x\n" * (MAX_CELL_LINES - 1)
    assert _rows(f'{U},"{lines}y"\n') == [[U, f"{lines}y"]]
    first, *rest, last = _rows(f'{U},"{lines}x\ny"\n{V},b')
    assert (first, last) == (OPEN, [V, "b"])
    assert len(rest) == MAX_CELL_LINES


def test_a_line_that_is_no_text_costs_the_row_that_it_is_in():
    damage = Damage("no text", "bad_encoding")
    lines = [(0, f'{U},"a\n'), (1, UnreadableLine("\ufffd\n", damage)), (2, 'b"\n'), (3, f"{V},c")]
    assert [row for _, row in rows_of(iter(lines), CSV)] == [damage, [V, "c"]]


def test_a_line_that_is_not_held_ends_a_cell():
    lines = [(0, f'{U},"a\n'), (1, UnreadableLine("", Damage("too long"))), (2, f"{V},c")]
    rows = [row for _, row in rows_of(iter(lines), CSV)]
    assert [r.detail if isinstance(r, Damage) else r for r in rows] == [OPEN, "too long", [V, "c"]]


def test_a_blank_behind_each_delimiter():
    spaced = Dialect(",", is_quoted=True, skips_space=True)
    assert _rows(f'{U}, "a blue, big dog"\n{V}, b', spaced) == [[U, "a blue, big dog"], [V, "b"]]


def test_quotes_are_characters_where_none_are_used():
    literal = Dialect("\t", is_quoted=False)
    assert _rows(f'"a\t{U}\n"b ""c"""\t{V}\n', literal) == [['"a', U], ['"b ""c"""', V]]
