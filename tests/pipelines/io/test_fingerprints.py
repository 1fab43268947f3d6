from typing import Any

import pytest

from pipelines.io.fingerprints import fingerprint, row_work

WORK: tuple[Any, ...] = ("encode", 4, {"mode": "exact"}, {"images": "a"}, {"torch": "2"})
ROWS: tuple[Any, ...] = (
    "encode",
    {"mode": "exact"},
    {"torch": "2"},
    {"images": "b"},
    {"dvae": "c"},
)


@pytest.mark.parametrize("place", range(len(WORK)))
def test_whatever_decides_the_result_changes_the_name_of_the_work(place):
    other = list(WORK)
    other[place] = {"x": "y"} if isinstance(WORK[place], dict) else 5
    assert fingerprint(*other) != fingerprint(*WORK) == fingerprint(*WORK)


@pytest.mark.parametrize("place", range(len(ROWS)))
def test_the_work_on_a_row_has_a_name_without_the_other_rows(place):
    other = list(ROWS)
    other[place] = {"x": "y"} if isinstance(ROWS[place], dict) else "other"
    assert row_work(*other) != row_work(*ROWS) == row_work(*ROWS)
