from itertools import pairwise

import pytest

from pipelines.text.entities.kinds import DATE, DURATION, MEASURE, TITLE
from pipelines.text.entities.patterns import spans


def _found(text: str, kind: str) -> list[str]:
    return [text[span.start : span.end] for span in spans(text) if span.kind == kind]


@pytest.mark.parametrize(
    "date",
    [
        "September 5, 2003", "5 September 2003", "Sept. 5th", "September 2003", "12th of May 2009",
        "Friday, July 5, 2013", "2003-09-05", "05/09/2003", "2017", "1914-1918", "1990s",
        "19th century", "late 18th century", "summer 2016", "Sunday", "Sunday morning", "10:30 am",
        "7 p.m.", "circa 1900", "last year", "march 3, 2011",
        "Wed Aug 25 23:23:49 2004", "Wed. 25 August 2004", "23:23:49",
    ],
)  # fmt: skip
def test_dates(date: str) -> None:
    assert _found(f"people meet {date} near here", DATE) == [date]


@pytest.mark.parametrize(
    "text", ["may flowers", "they march home", "a fall in the lake", "route 66", "room 101", "A319"]
)
def test_no_dates(text: str) -> None:
    assert _found(text, DATE) == []


def test_a_month_alone_needs_a_preposition() -> None:
    assert _found("snow in May on the hill", DATE) == ["May"]
    assert _found("with May on the hill", DATE) == []


@pytest.mark.parametrize(
    "duration",
    ["three hours", "2-hour", "five-year-old", "10 years old", "an hour", "several days", "24 hrs"],
)
def test_durations(duration: str) -> None:
    assert _found(f"a talk {duration} here", DURATION) == [duration]


@pytest.mark.parametrize(
    "measure",
    [
        "10 ft", "300 km/h", "5kg", "2.5 inches", "$5", "£2.50", "$3 million", "50%", "90 x 60 cm",
        "20x30", "f/2.8", "six feet", "10-foot-tall", "1,200 m", "5-6 cm", "30 mm",
    ],
)  # fmt: skip
def test_measures(measure: str) -> None:
    assert _found(f"a wall {measure} here", MEASURE) == [measure]


def test_numbers_without_end_are_read_in_parts() -> None:
    assert spans("1," * 20_000) == []  # the time limit of the suite is the check


@pytest.mark.parametrize("text", ["two dogs", "5 men", "4 in a row", "70 people", "3 grapes"])
def test_no_measures(text: str) -> None:
    assert _found(text, MEASURE) == []


@pytest.mark.parametrize(
    "title",
    ["'Hollywood Homicide'", '"Ocean\'s Eleven"', "'Ocean's Eleven'", "\u201cUp\u201d",
        "\u20182012\u2019",
    ],
)  # fmt: skip
def test_titles(title: str) -> None:
    assert _found(f"the premiere of {title} at night", TITLE) == [title]


@pytest.mark.parametrize("text", ["the dog's and cat's food", "'tis the season", 'a "small" dog'])
def test_no_titles(text: str) -> None:
    assert _found(text, TITLE) == []


def test_spans_do_not_overlap_and_are_in_order() -> None:
    text = "in 2003 'Top Gun 2022' ran for 2 hours at 50 km/h on May 5, 2004"
    found = spans(text)
    assert found == sorted(found)
    assert all(left.end <= right.start for left, right in pairwise(found))
    assert [span.kind for span in found] == [DATE, TITLE, DURATION, MEASURE, DATE]
