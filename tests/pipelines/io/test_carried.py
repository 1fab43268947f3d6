import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.io.carried import (
    MAX_ROW_CHARS,
    MAX_VALUE_CHARS,
    NOTHING,
    packed,
    read_as,
    unpacked,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text(min_size=1, max_size=10)


@given(st.dictionaries(NAMES, ANYTHING, max_size=8))
def test_whatever_a_table_holds_is_carried_or_left_out(values):
    text, left_out = packed(values)
    found = unpacked(text)
    assert set(found).isdisjoint(left_out)
    assert set(found) | set(left_out) <= set(values)
    assert all(isinstance(value, str | int | float) for value in found.values())
    assert text.isascii()
    for value in found.values():
        assert isinstance(read_as(value, "text"), str)
        assert isinstance(read_as(value, "integer"), int | None)
        assert isinstance(read_as(value, "number"), float | None)


@given(st.dictionaries(NAMES, st.integers(-9, 9) | st.text(max_size=5), max_size=8))
def test_equal_values_are_an_equal_text_in_whatever_order_they_come(values):
    backwards = dict(reversed(values.items()))
    assert packed(values) == packed(backwards)


def test_what_is_no_value_is_not_carried():
    assert packed({"a": None, "b": "", "c": math.nan, "d": "  "}) == NOTHING


def test_what_is_no_scalar_or_too_long_is_left_out():
    hostile = {"list": [1], "object": {"a": 1}, "long": "x" * (MAX_VALUE_CHARS + 1), "big": 2**63}
    hostile |= {"bytes": b"\xff", "half": "\ud800", "fits": "x" * MAX_VALUE_CHARS}
    text, left_out = packed(hostile)
    assert left_out == ("big", "bytes", "half", "list", "long", "object")
    assert list(unpacked(text)) == ["fits"]


def test_all_values_of_a_row_have_a_limit_too():
    text, left_out = packed({f"{n:02}": "x" * MAX_VALUE_CHARS for n in range(12)})
    assert len("".join(map(str, unpacked(text).values()))) == MAX_ROW_CHARS
    assert left_out == ("10", "11")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("7", "integer", 7), ("7.0", "integer", 7), (7.5, "integer", None), ("x", "integer", None),
        ("9223372036854775807", "integer", 2**63 - 1), ("9223372036854775808", "integer", None),
        (True, "integer", 1), ("0.31", "number", 0.31), (3, "number", 3.0), ("inf", "number", None),
        ("1e999", "number", None), ("no", "number", None), (0.5, "text", "0.5"), (7, "text", "7"),
        ("a", "text", "a"), (True, "text", "true"), ("-12", "integer", -12),
        (1e300, "integer", None),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_type_or_not_at_all(value, kind, expected):
    assert read_as(value, kind) == expected
