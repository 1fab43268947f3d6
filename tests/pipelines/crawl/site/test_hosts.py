from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import Fetched, Link, Skipped
from pipelines.crawl.site.hosts import admit, further_host, has_further_hosts, nearest_hosts


def site(**settings):
    return Site(**{"start": ("http://a.test/",), "scope": "same_site"} | settings)


def places(entry, **settings):
    return list(further_host(entry, [site(**settings)]))


def test_hosts_that_may_be_visited_have_a_rank():
    link = Link(0, 2, "http://x.a.test/p")
    assert places(link) == [(0, ((2, "x.a.test"),))]
    assert places(Fetched(0, link.url)) == [(0, ((-1, "x.a.test"),))]
    assert not places(Link(0, 0, "http://a.test/"))
    assert not places(link, max_depth=1)


def test_only_crawls_of_whole_sites_have_further_hosts():
    assert has_further_hosts([site(scope="same_host"), site()])
    assert not has_further_hosts([site(scope="same_host")])


PLACES = st.lists(st.tuples(st.integers(-1, 3), st.sampled_from("abcdefgh")), max_size=20)


@given(PLACES, PLACES, st.integers(0, 5))
def test_the_nearest_hosts_are_those_of_all_groups_however_they_are_merged(one, other, limit):
    at_once = nearest_hosts([one, other], limit)
    assert at_once == nearest_hosts([nearest_hosts([other], limit), one], limit)
    assert at_once == nearest_hosts([nearest_hosts([g], limit) for g in (one, other)], limit)
    assert len(at_once) == min(limit, len({host for _, host in one + other}))


def test_hosts_over_the_budget_are_left():
    sites = [site(max_hosts=1)]
    nearest = {0: ((-1, "x.a.test"), (1, "y.a.test"))}
    near, far, start = (Link(0, 1, f"http://{host}a.test/") for host in ("x.", "y.", ""))
    assert admit(near, sites, nearest) == near
    assert admit(start, sites, nearest) == start
    assert admit(far, sites, nearest) == Skipped(0, far.url, "over_host_budget", 2, 1)


def test_a_link_that_stays_out_anyway_keeps_its_own_reason():
    deep = Link(0, 9, "http://y.a.test/")
    assert admit(deep, [site()], {}) == deep
