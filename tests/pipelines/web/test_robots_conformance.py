from collections import Counter

import pytest

from pipelines.web.identity import is_product_token
from pipelines.web.robots import parse_robots
from pipelines.web.robots_file import read_lines
from tests.support.robots_cases import (
    CASES,
    INVALID_NAMES,
    MARKS,
    SITEMAP,
    SIX_LINES,
    VALID_NAMES,
    WITH_SITEMAP,
    Case,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_verdict_of_the_public_table(case: Case):
    robots = parse_robots(case.rules.encode(), case.agent)
    urls = case.allowed.split() + case.refused.split()
    verdicts = {url: robots.refusal(f"http://foo.bar{url}") is None for url in urls}
    assert verdicts == {url: url in case.allowed.split() for url in urls}


def test_the_names_that_a_crawler_may_have():
    assert [name for name in VALID_NAMES + INVALID_NAMES if is_product_token(name)] == VALID_NAMES


@pytest.mark.parametrize("body", SIX_LINES)
def test_lines_are_counted_whatever_ends_them(body):
    lines = list(read_lines(body))
    assert len(lines) == 4
    assert lines[-1].number == 6


@pytest.mark.parametrize(("body", "understood", "unknown"), MARKS)
def test_a_byte_order_mark_is_passed_over(body, understood, unknown):
    kinds = Counter(line.kind == "unknown" for line in read_lines(body))
    assert (kinds[False], kinds[True]) == (understood, unknown)


@pytest.mark.parametrize("rules", WITH_SITEMAP)
def test_a_sitemap_may_be_anywhere(rules):
    assert parse_robots(rules.encode(), "FooBot").sitemaps == (SITEMAP,)


def test_every_sitemap_is_listed_so_that_those_over_the_budget_can_be_rejected():
    names = tuple(f"http://a.test/{n}.xml" for n in range(150))
    rules = "".join(f"Sitemap: {name}\n" for name in names)
    assert parse_robots(rules.encode(), "FooBot").sitemaps == names


def test_no_verdict_of_the_standard_is_missing():
    """The expectations in each `ID_` test of the table, where the test counts verdicts."""
    counted = Counter[str]()
    for case in CASES:
        counted[case.name] += len(case.allowed.split()) + len(case.refused.split())
    assert {name: count for name, count in counted.items() if name.startswith("ID_")} == {
        "ID_LineSyntax_Line": 3,
        "ID_LineSyntax_Groups": 10,
        "ID_LineSyntax_Groups_OtherRules": 4,
        "ID_REPLineNamesCaseInsensitive": 6,
        "ID_UserAgentValueCaseInsensitive": 12,
        "ID_GlobalGroups_Secondary": 4,
        "ID_AllowDisallow_Value_CaseSensitive": 2,
        "ID_LongestMatch": 14,
        "ID_Encoding": 7,
        "ID_SpecialCharacters": 10,
    }
