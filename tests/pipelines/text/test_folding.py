from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.folding import collapse_spaces, fold


def test_runs_of_white_space_become_one_space():
    assert collapse_spaces(" a\n\tdog \u3000 runs\r\n") == "a dog runs"
    assert collapse_spaces(" \n ") == ""


def test_case_and_spacing_make_no_difference():
    assert fold("  Große  HUNDE ") == fold("GROSSE hunde") == "grosse hunde"
    assert fold("  A  DOG\n") == fold("a dog")
    assert fold("Stra\u00dfe") == fold("STRASSE")


@given(st.text())
def test_a_folded_text_stays_as_it_is(text):
    assert fold(fold(text)) == fold(text)
