import gzip

import pytest

from pipelines.crawl.site.links import MAX_PAGE_LINKS, page_links, read_sitemap

PAGE = "http://a.test/dir/p.html"


def links(html, headers=(), charset=None):
    content = html if isinstance(html, bytes) else html.encode()
    return list(page_links(content, PAGE, charset, headers, "dallebot").urls)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="x">', ["http://a.test/dir/x"]),
        ('<a href=" /x#f ">', ["http://a.test/x"]),
        ('<a href="//B.test/%7Ex?q=1">', ["http://b.test/~x?q=1"]),
        ('<a href="">', ["http://a.test/dir/p.html"]),
        ("<a>", []),
        ('<area href="x"><link rel="next" href="y">', ["http://a.test/dir/x", "http://a.test/dir/y"]),
        ('<link rel=stylesheet href="s"><link rel="Prefetch NEXT" href=n>', ["http://a.test/dir/n"]),
        ('<a rel="nofollow" href="x"><a rel="Noopener NoFollow" href=y><a rel=ugc href=z>',
         ["http://a.test/dir/z"]),
        ('<base href="/b/"><a href="x">', ["http://a.test/b/x"]),
        ('<base href="http://["><a href="x">', ["http://a.test/dir/x"]),
        ('<base href="data:text/html,"><a href="x">', ["http://a.test/dir/x"]),
        ('<a href="x"><a href="x"><a href="./x#y">', ["http://a.test/dir/x"]),
        ('<a href="mailto:a@b"><a href="javascript:x()"><a href="http://[">', []),
        ('<meta name="robots" content="noindex, nofollow"><a href="x">', []),
        ('<meta name="Robots" content="NONE"><a href="x">', []),
        ('<meta name="dallebot" content="nofollow"><a href="x">', []),
        ('<meta name="otherbot" content="nofollow"><a href="x">', ["http://a.test/dir/x"]),
        ("", []),
    ],
)  # fmt: skip
def test_page_links(html, expected):
    assert links(html) == expected


@pytest.mark.parametrize(
    ("value", "is_followed"),
    [
        ("nofollow", False),
        ("noindex, NoFollow", False),
        ("none", False),
        ("dallebot: nofollow", False),
        ("otherbot: nofollow", True),
        ("noindex", True),
    ],
)
def test_a_header_may_forbid_to_follow(value, is_followed):
    assert bool(links('<a href="x">', [("x-robots-tag", value)])) is is_followed


def test_the_charset_of_the_header_counts():
    assert links('<a href="/é">'.encode("latin-1"), charset="latin-1") == ["http://a.test/%C3%A9"]


def test_hostile_pages_have_no_links():
    assert links("<div>" * 100_000 + '<a href="x">') == []
    assert links(b'\x00<a href="\xff\xfe">' + bytes(range(256))) == [
        "http://a.test/dir/%C3%BF%C3%BE"
    ]


def test_links_are_bounded():
    many = "".join(f"<a href={n}>" for n in range(MAX_PAGE_LINKS + 10)).encode()
    found = page_links(many, PAGE, None, (), "dallebot")
    assert (len(found.urls), found.num_unread) == (MAX_PAGE_LINKS, 10)
    assert page_links(b"<a href=x>", PAGE, None, (), "dallebot").num_unread == 0


URLSET = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> http://a.test/?a=1&amp;b=2 </loc></url><url><loc><![CDATA[http://a.test/c]]></loc></url>
<url><loc>nowhere</loc></url></urlset>"""


@pytest.mark.parametrize("content", [URLSET, gzip.compress(URLSET), URLSET[:-20]])
def test_a_sitemap(content):
    sitemap = read_sitemap(content)
    assert sitemap.links.urls == ("http://a.test/?a=1&b=2", "http://a.test/c")
    assert not sitemap.is_index


def test_an_index_of_sitemaps():
    found = read_sitemap(b"<sitemapindex><sitemap><loc>http://a.test/s</loc></sitemap>")
    assert found.is_index
    assert found.links.urls == ("http://a.test/s",)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08broken", b"<html>", b"\xff" * 100])
def test_what_is_no_sitemap_lists_nothing(content):
    assert read_sitemap(content).links.urls == ()
