"""Names of rows in what is said of others."""

from orchestration.removal.finding import without_names
from pipelines.io.refusals import Named

KEY, IMAGE = "a" * 40, "b" * 24
NAMED = Named(frozenset({KEY}), frozenset({IMAGE}))


def test_a_detail_names_a_row_by_its_key_or_its_image():
    assert without_names(KEY, NAMED) == "removed"
    assert without_names(IMAGE, NAMED) == "removed"
    assert without_names(f"better: {IMAGE + '0' * 16}.", NAMED) == "better: removed."


def test_other_digits_and_an_image_with_a_pair_that_stays_are_left():
    for detail in ("c" * 40, "c" * 24, KEY[:24], KEY + "a", "0.5 of 3", ""):
        assert without_names(detail, NAMED) == detail
