import pytest

from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import Link
from pipelines.crawl.site.outcomes import Visited, add_links, record_outcome
from pipelines.web.answers import Response
from pipelines.web.failures import FetchFailure, Reason

URL = "http://a.test/p"
SITE = Site(start=("http://a.test/",), name="mine")
LINK = Link(0, 2, URL, hops=1)


def recorded(outcome, link=LINK, site=SITE):
    visited = Visited()
    record_outcome(visited, site, link, outcome, "/archive/x.warc.gz")
    return visited


def page(body, content_type="text/html"):
    return Response(200, body, content_type, URL)


def redirect(location):
    return Response(302, b"", "", URL, (("location", location),))


def test_a_page_is_an_input_and_leads_deeper():
    visited = recorded(page(b"<a href=/x><a href=http://b.test/>"))
    ((file, source),) = visited.files
    assert (file.location, file.kind, source.name) == ("/archive/x.warc.gz", "warc", "mine")
    assert list(visited.links.values()) == [Link(0, 3, "http://a.test/x")]
    assert not visited.rejections


def test_the_charset_of_the_header_is_that_of_links():
    html = '<a href="/é">'.encode("latin-1")
    (link,) = recorded(page(html, 'text/html; Charset="ISO-8859-1"; x=y')).links.values()
    assert link.url == "http://a.test/%C3%A9"


def test_a_page_may_address_this_crawler_by_name():
    site = SITE.model_copy(update={"user_agent": "MyBot/2.0"})
    html = b'<meta name="mybot" content="nofollow"><a href="/x">'
    assert recorded(page(html)).links
    assert not recorded(page(html), site=site).links


@pytest.mark.parametrize(
    ("link", "body", "limit"),
    [
        (LINK, b"".join(b"<a href=/%d>" % n for n in range(5003)), 5000),
        (
            Link(0, 0, URL, is_sitemap=True),
            b"".join(b"<loc>http://a.test/%d</loc>" % n for n in range(50_003)),
            50_000,
        ),
    ],
)
def test_links_beyond_the_limit_of_a_page_are_counted(link, body, limit):
    visited = recorded(page(body), link)
    assert len(visited.links) == limit
    (row,) = visited.rejections
    assert (row.url, row.reason, row.threshold) == (URL, "over_link_budget", limit)
    assert row.detail == f"3 references behind its first {limit:,} links are not read"


def test_a_failure_is_a_rejection_with_its_numbers():
    visited = recorded(FetchFailure(Reason.TOO_LARGE, "declared", 30, 20))
    (row,) = visited.rejections
    assert (row.url, row.reason, row.measured, row.threshold) == (URL, "too_large", 30, 20)
    assert not visited.files


@pytest.mark.parametrize(
    ("location", "reason", "target"),
    [
        ("x", "redirected", "http://a.test/x"),
        ("HTTPS://A.test", "redirected", "https://a.test/"),
        ("//b.test/", "redirected_off_site", None),
        ("mailto:a@a.test", "broken_redirect", None),
        ("http://u:p@a.test/", "broken_redirect", None),
    ],
)
def test_redirects(location, reason, target):
    visited = recorded(redirect(location))
    assert [row.reason for row in visited.rejections] == [reason]
    onward = [Link(0, 2, target, hops=2)] if target else []
    assert list(visited.links.values()) == onward


@pytest.mark.parametrize(("root", "are_sitemaps"), [("urlset", False), ("sitemapindex", True)])
def test_a_sitemap_leads_to_start_pages_or_sitemaps(root, are_sitemaps):
    body = f"<{root}><loc>http://a.test/x</loc><loc>http://b.test/</loc></{root}>".encode()
    link = Link(0, 0, "http://a.test/s.xml", is_sitemap=True)
    visited = recorded(page(body, "application/xml"), link)
    assert list(visited.links.values()) == [Link(0, 0, "http://a.test/x", is_sitemap=are_sitemaps)]
    assert not visited.files


def test_links_off_the_site_are_left():
    visited = Visited()
    add_links(visited, SITE, LINK, ["http://b.test/", "http://sub.a.test/"], depth=1)
    assert not visited.links


def test_the_shortest_way_to_a_page_counts():
    visited = Visited()
    for depth in (3, 1, 2):
        add_links(visited, SITE, LINK, ["http://a.test/x"], depth=depth)
    assert list(visited.links.values()) == [Link(0, 1, "http://a.test/x")]


def test_a_farm_of_links_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr("pipelines.crawl.site.outcomes.MAX_ONWARD", 3)
    visited = Visited()
    urls = [f"http://a.test/{n}" for n in range(5)]
    add_links(visited, SITE, LINK, urls[:2], depth=2)
    add_links(visited, SITE, LINK, urls, depth=1)
    assert list(visited.links.values()) == [Link(0, 1, url) for url in urls[:3]]
    (row,) = visited.rejections
    assert (row.url, row.reason) == (LINK.url, "over_link_budget")
    assert (row.detail, row.threshold) == ("2 of its links are left out", 3)
