import calendar
import re

import pytest

from pipelines.text import dates


@pytest.mark.parametrize("name", list(calendar.month_name)[1:])
def test_months_whole_and_abbreviated(name):
    for pattern in (dates.MONTH, dates.MONTH_OR_DOTTED, dates.LONG_MONTH):
        assert re.fullmatch(pattern, name)
    for pattern in (dates.MONTH, dates.MONTH_OR_DOTTED):
        assert re.fullmatch(pattern, name[:3])
    assert name[:3].lower() in dates.MONTH_STEMS
    assert not re.fullmatch(dates.MONTH, f"{name[:3]}.")


@pytest.mark.parametrize(
    ("text", "is_month"),
    [("Sept.", True), ("Dec.", True), ("May.", False), ("Jul.", False), ("March.", False)],
)
def test_abbreviations_with_a_full_stop(text, is_month):
    assert bool(re.fullmatch(dates.MONTH_OR_DOTTED, text)) == is_month


@pytest.mark.parametrize("name", list(calendar.day_name))
def test_weekdays(name):
    assert re.fullmatch(dates.WEEKDAY, name)
    assert not re.fullmatch(dates.SHORT_WEEKDAY, name)


@pytest.mark.parametrize("text", ["1", "2nd", "12th", "31"])
def test_days(text):
    assert re.fullmatch(dates.DAY, text)
