import pytest

from pipelines.crawl.pages.html import extract, largest
from pipelines.crawl.pages.terms import HttpTerms

PAGE = "http://site.test/dir/page.html"
DATA = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


def _one(html: str, **options):
    found = list(extract(html.encode(), PAGE, **options))
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("markup", "url"),
    [
        ('<img src="a.jpg">', "a.jpg"),
        ('<img src=" a.jpg ">', "a.jpg"),
        ("<IMG SRC=a.jpg>", "a.jpg"),
        ('<img src="a.jpg?x=1&amp;y=2">', "a.jpg?x=1&y=2"),
        ('<img src="s.jpg" srcset="m.jpg 2x, l.jpg 3x">', "l.jpg"),
        ('<img src="s.jpg" srcset="m.jpg 640w, l.jpg 1280w, xs.jpg 320w">', "l.jpg"),
        (f'<img src="{DATA}" data-src="lazy.jpg">', "lazy.jpg"),
        ('<img data-lazy-src="lazy.jpg">', "lazy.jpg"),
        ('<img src="spacer.gif" data-original="real.jpg">', "real.jpg"),
        (f'<img src="{DATA}" data-srcset="m.jpg 640w, l.jpg 900w">', "l.jpg"),
        (f'<img src="a.jpg" srcset="{DATA} 1x">', "a.jpg"),
        (f'<img src="{DATA}">', DATA),
        (f'<img src="{DATA}" data-src="{DATA}">', DATA),
        ("<img>", ""),
        ("<img src>", ""),
        (
            '<picture><source srcset="l.webp" type="image/webp"><img src="s.jpg"></picture>',
            "l.webp",
        ),
        (
            '<picture><source srcset="l.webp" type="Image/WebP; q=1"><img src="s.jpg"></picture>',
            "l.webp",
        ),
        ('<picture><source srcset="l.avif" type="image/avif"><img src="s.jpg"></picture>', "s.jpg"),
        ('<picture><source srcset="l.webp"><img srcset="own.jpg 2x"></picture>', "own.jpg"),
        ('<picture><source><img src="s.jpg"></picture>', "s.jpg"),
        ('<noscript><img src="n.jpg"></noscript>', "n.jpg"),
        ('<p><b><img src="a.jpg"</p><table><td>', "a.jpg"),
        ('<img src="a.jpg" src="b.jpg">', "a.jpg"),
    ],
)
def test_best_url_of_an_image(markup, url):
    assert _one(markup).raw_url == url


@pytest.mark.parametrize(
    ("srcset", "url"),
    [
        ("", ""),
        (",", ""),
        ("a.jpg", "a.jpg"),
        ("a.jpg, b.jpg 1.5x", "b.jpg"),
        ("a.jpg,b.jpg 2x", "a.jpg,b.jpg"),  # a comma without a blank belongs to the URL
        ("a,b.jpg 100w, c.jpg 50w", "a,b.jpg"),
        ("a.jpg 100w, b.jpg 9x", "a.jpg"),
        ("a.jpg 2x, b.jpg 2x", "a.jpg"),
        ("a.jpg 100w 50h, b.jpg 99w", "a.jpg"),
        ("a.jpg nonsense, b.jpg 2x", "b.jpg"),
        ("\n  a.jpg 1x,\n\tb.jpg 3x\n", "b.jpg"),
        (f"{DATA} 5x, a.jpg 1x", "a.jpg"),
        ("a.jpg " + "9" * 400 + "w", "a.jpg"),
    ],
)
def test_largest_candidate_of_a_srcset(srcset, url):
    assert largest(srcset) == url


@pytest.mark.parametrize(
    ("markup", "caption", "text_source"),
    [
        ('<img alt="a red barn" title="t">', "a red barn", "alt"),
        ('<img alt=" a &amp; b &eacute;">', " a & b é", "alt"),
        ('<img alt="" title="a title">', "a title", "title"),
        ('<img alt=" &nbsp; " title="a title">', "a title", "title"),
        (
            "<figure><img><figcaption>A <b>big</b>\n barn</figcaption></figure>",
            "A big barn",
            "figcaption",
        ),
        ("<figure><a><img title=t></a><figcaption>cap</figcaption></figure>", "cap", "figcaption"),
        ("<figure><img title=t><figcaption> </figcaption></figure>", "t", "title"),
        ("<figure><img title=t></figure>", "t", "title"),
        ("<img>", "", "alt"),
    ],
)
def test_text_of_an_image(markup, caption, text_source):
    found = _one(markup)
    assert (found.caption, found.text_source) == (caption, text_source)


def test_text_sources_follow_the_config():
    assert _one('<img alt="a" title="t">', text_sources=("title", "alt")).caption == "t"
    assert _one('<img alt="" title="t">', text_sources=("alt",)).caption == ""


def test_captions_of_two_images_in_one_figure():
    html = b"<figure><img><img alt=own><figcaption>both</figcaption></figure><img>"
    assert [f.caption for f in extract(html, PAGE)] == ["both", "own", ""]


@pytest.mark.parametrize(
    ("markup", "base"),
    [
        ("<img>", PAGE),
        ('<base href="/other/"><img>', "http://site.test/other/"),
        ('<base href="//cdn.test/"><img>', "http://cdn.test/"),
        ('<base target=_top><base href="x/"><base href="y/"><img>', "http://site.test/dir/x/"),
        ('<base href="http://[broken"><img>', PAGE),
    ],
)
def test_base_of_a_page(markup, base):
    assert _one(markup).base_url == base


def test_language_and_licence_of_a_page():
    html = '<html lang="de-CH"><a rel="license noopener" href="/cc-by">CC</a><img>'
    found = _one(html)
    assert (found.page_language, found.license) == ("de-CH", "http://site.test/cc-by")
    found = _one('<html xml:lang="fr"><link rel=LICENSE href="https://cc.test/by"><img>')
    assert (found.page_language, found.license) == ("fr", "https://cc.test/by")


@pytest.mark.parametrize(
    ("markup", "opt_out"),
    [
        ('<meta name="robots" content="noai, noimageai">', "noai"),
        ('<META NAME=Robots CONTENT="index,NOIMAGEAI">', "noimageai"),
        ('<meta name="robots" content="noimageindex">', "noimageindex"),
        ('<meta name="robots" content="noml">', "noml"),
        ('<meta name="tdm-reservation" content="1">', "tdm-reservation"),
        ('<meta name="tdm-reservation" content="0">', ""),
        ('<meta name="robots" content="noindex, nofollow">', ""),
        ('<meta name="robots" content="none">', ""),
        ('<meta name="robots">', ""),
        ('<meta name="googlebot" content="noai">', ""),
        ('<meta name="description" content="noai">', ""),
    ],
)
def test_words_of_a_page_against_use(markup, opt_out):
    assert _one(markup + "<img>").opt_out == opt_out


def test_words_of_the_headers_against_use_come_first():
    assert (
        _one("<meta name=robots content=noml><img>", http_terms=HttpTerms("noai")).opt_out == "noai"
    )


OG = '<meta property="og:image" content=" /og.jpg "><meta property="og:image:alt" content="a barn">'


def test_the_open_graph_image_comes_last_with_its_own_text():
    html = f'<head><base href="/b/"><link rel=license href=cc>{OG}</head><img src=a.jpg alt=own>'
    first, last = extract(html.encode(), PAGE)
    assert (first.raw_url, first.caption, first.text_source) == ("a.jpg", "own", "alt")
    assert (last.raw_url, last.caption, last.text_source) == ("/og.jpg", "a barn", "og:image")
    assert (last.base_url, last.license) == ("http://site.test/b/", "http://site.test/b/cc")


def test_the_open_graph_image_follows_the_config():
    assert list(extract(OG.encode(), PAGE, text_sources=("alt",))) == []
    own, og = extract(f"<img alt=own og:image=x>{OG}".encode(), PAGE, text_sources=("og:image",))
    assert (own.caption, og.caption) == ("", "a barn")


def test_charset_reaches_the_text():
    html = '<meta charset="windows-1251"><img alt="Кот">'.encode("cp1251")
    assert [f.caption for f in extract(html, PAGE)] == ["Кот"]


LONG = b"x" * 300_000


@pytest.mark.parametrize(
    "html",
    [
        b"<base href='http://site.test/" + LONG + b"'>" + b"<img src=a>" * 3000,
        b"<figure>" + b"<img>" * 3000 + b"<figcaption>" + LONG,
        b"<picture><source srcset='" + LONG + b"'>" + b"<img>" * 3000,
        b"<picture>" + b"<source srcset=a>" * 3000 + b"<img>" * 3000,
        b"<figure><img>" * 3000 + b"<figcaption>" + LONG,
        b"<a rel=license href='" + LONG + b"'>" + b"<img>" * 3000,
    ],
)
def test_what_images_share_is_bounded(html):
    found = list(extract(html, PAGE))
    assert len(found) == 3000
    assert sum(len(text) for text in {text for row in found for text in row}) < 40_000


def test_captions_within_captions_are_given_up():
    html = b"<figure><figcaption><img>" * 500 + LONG
    with pytest.raises(ValueError, match="captions within captions"):
        list(extract(html, PAGE))


@pytest.mark.parametrize(
    ("html", "count"),
    [
        (b"", 0),
        (b"\0" * 1000, 0),
        (b"<img alt='a\0b' src='\0'>", 1),
        (b"<img src=a.jpg alt='never closed", 0),
        (b"<img src=a.jpg alt='" + b"x" * 1_000_000 + b"'>", 1),
        (b"<html lang='" + b"x" * 1_000_000 + b"'><img>", 1),
        (b"<img " + b" ".join(b"a%d=1" % i for i in range(2000)) + b">", 1),
        (b"<b>" * 50_000 + b"<img>", 1),
        (b"<figure>" * 5_000 + b"<img>" * 100, 100),
        (bytes(range(256)) * 100 + b"\"'><img>", 1),
        (b"\xff\xfe<\0i\0m\0g\0>\0", 1),
        (b"<!--" * 10_000 + b"--><img>", 1),
        (b"<svg><image href=a></svg>", 0),
    ],
)
def test_hostile_pages(html, count):
    found = list(extract(html, PAGE))
    assert len(found) == count
    assert all(len(f.page_language) <= 35 for f in found)
