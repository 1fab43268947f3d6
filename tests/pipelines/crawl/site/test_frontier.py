import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import (
    MAX_SITEMAPS,
    Entry,
    Fetched,
    Link,
    Skipped,
    first_links,
    is_on_site,
    never_fetched,
    num_rounds,
    over_budget,
    plan,
)

A = "http://www.a.test"


def site(**settings):
    return Site(**{"start": (f"{A}/",)} | settings)


def planned(entries, *sites):
    return {
        number: [link.url for link in work.links] for number, work in plan(entries, sites).items()
    }


def test_start_urls_are_the_first_frontier_of_their_hosts():
    sites = [site(), site(start="http://B.test:80/x/../y#z")]
    assert first_links(sites) == [
        ("www.a.test", Link(0, 0, f"{A}/")),
        ("b.test", Link(1, 0, "http://b.test/y")),
    ]


def test_rounds_suffice_for_depth_redirects_and_sitemaps():
    assert num_rounds([]) == 0
    assert num_rounds([site(max_depth=0, max_redirects=0)]) == 1
    assert num_rounds([site(max_depth=2, max_redirects=3), site(max_depth=0)]) == 6
    assert num_rounds([site(max_depth=2, max_redirects=0, uses_sitemaps=True)]) == 6


@pytest.mark.parametrize(
    ("url", "same_host", "same_site"),
    [
        (f"{A}/x", True, True),
        ("https://www.a.test:8080/", True, True),
        ("http://a.test/", False, True),
        ("http://x.y.a.test/", False, True),
        ("http://ba.test/", False, False),
        ("http://a.test.b/", False, False),
    ],
)
def test_scope(url, same_host, same_site):
    assert is_on_site(site(), url) is same_host
    assert is_on_site(site(scope="same_site"), url) is same_site


@pytest.mark.parametrize(
    ("settings", "url", "reason"),
    [
        ({}, "/x", None),
        ({"include": ["/shop/"]}, "/shop/1", None),
        ({"include": ["/shop/"]}, "/", None),  # a start URL
        ({"include": ["/shop/"]}, "/blog", "excluded"),
        ({"include": ["http://www.a.test/sh*p"]}, "/shiiip?x", None),
        ({}, "/big.jpg", "excluded"),
        ({}, "/jpg", None),
        ({"exclude": []}, "/wiki/File:big.jpg", None),
        ({"exclude": ["*.pdf$"]}, "/a.pdf", "excluded"),
        ({"exclude": ["*.pdf$"]}, "/a.pdf?x", None),
        ({"include": ["/a"], "exclude": ["/*?"]}, "/a?x", "excluded"),
    ],
)
def test_patterns(settings, url, reason):
    (work,) = plan([Link(0, 1, A + url)], [site(**settings)]).values()
    assert [left.reason for left in work.skipped] == ([reason] if reason else [])
    assert len(work.links) == (0 if reason else 1)


def test_what_was_fetched_is_not_fetched_again_and_costs_budget():
    entries: list[Entry] = [Link(0, 1, f"{A}/1"), Link(0, 1, f"{A}/2"), Fetched(0, f"{A}/1")]
    entries += [Fetched(0, f"{A}/closed", is_request=False)]
    (work,) = plan(entries, [site(max_pages=3)]).values()
    assert [link.url for link in work.links] == [f"{A}/2"]
    assert work.budget == 2


def test_sitemaps_have_a_budget_of_their_own():
    read = [Fetched(0, f"{A}/{n}.xml", is_sitemap=True) for n in range(3)]
    entries: list[Entry] = [Link(0, 0, f"{A}/s.xml", is_sitemap=True), *read]
    (work,) = plan(entries, [site(max_pages=3)]).values()
    assert (work.budget, work.sitemap_budget) == (3, MAX_SITEMAPS - 3)
    assert over_budget(work.links[0], site()).reason == "over_sitemap_budget"


def test_limits_of_depth_and_redirects():
    links = [Link(0, 3, f"{A}/deep"), Link(0, 1, f"{A}/far", hops=2), Link(0, 2, f"{A}/ok", hops=1)]
    (work,) = plan(links, [site(max_depth=2, max_redirects=1)]).values()
    assert [link.url for link in work.links] == [f"{A}/ok"]
    assert set(work.skipped) == {
        Skipped(0, f"{A}/deep", "over_depth", 3, 2),
        Skipped(0, f"{A}/far", "too_many_redirects", 2, 1),
    }


def test_each_site_has_its_own_plan():
    links = [Link(1, 0, f"{A}/x"), Link(0, 0, f"{A}/x")]
    assert planned(links, site(), site()) == {0: [f"{A}/x"], 1: [f"{A}/x"]}


LINKS = st.lists(
    st.builds(Link, st.just(0), st.integers(0, 3), st.sampled_from([f"{A}/{n}" for n in range(6)])),
    max_size=20,
)


@given(LINKS, st.randoms(use_true_random=False))
def test_a_plan_depends_on_no_order_and_no_repetition(links, order: random.Random):
    mixed = links + order.choices(links, k=5) if links else []
    order.shuffle(mixed)
    sites = [site(max_depth=2)]
    assert plan(mixed, sites) == plan(links, sites)
    for work in plan(links, sites).values():
        assert list(work.links) == sorted(work.links)
        assert {link.url for link in work.links} | {left.url for left in work.skipped} == {
            link.url for link in links
        }


def test_what_was_skipped_is_reported_once():
    entries: list[Entry] = [
        Skipped(0, f"{A}/1", "over_page_budget", 6, 5),
        Skipped(0, f"{A}/1", "over_depth", 4, 3),
        Skipped(0, f"{A}/2", "over_depth", 4, 3),
        Fetched(0, f"{A}/2"),
        Fetched(1, f"{A}/1"),
    ]
    assert list(never_fetched(entries)) == [Skipped(0, f"{A}/1", "over_depth", 4, 3)]
