import re

from hypothesis import given
from hypothesis import strategies as st

from pipelines.web.url_patterns import ascii_form, matches, normal_form


def _slow(pattern: str, text: str) -> bool:
    end = r"\Z" if pattern.endswith("$") else ""
    pieces = map(re.escape, pattern.removesuffix("$").split("*"))
    return re.match("(?s:" + ".*".join(pieces) + ")" + end, text) is not None


@given(st.text("ab/*$", max_size=8), st.text("ab/$", max_size=10))
def test_as_a_regular_expression_would(pattern, text):
    assert matches(pattern, text) == _slow(pattern, text)


def test_a_hostile_pattern_costs_no_time():
    assert not matches("/" + "*a" * 4000 + "b", "/" + "a" * 8000)


def test_ascii_form():
    assert ascii_form("/á".encode()) == "/%C3%A1"
    assert ascii_form(b"/%aa%zz") == "/%AA%zz"


def test_normal_form():
    assert normal_form("/%62%61%7A%2f%E3%83%84 ツ") == "/baz%2F%E3%83%84%20%E3%83%84"


@given(st.text(max_size=20))
def test_the_normal_form_is_a_fixed_point(text):
    assert normal_form(normal_form(text)) == normal_form(text)
