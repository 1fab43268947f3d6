import random
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl import references
from pipelines.crawl.references import resolve
from pipelines.web import urls
from pipelines.web.urls import MAX_URL_CHARS, canonical_url

PAGE = "http://site.test/dir/p"

BASES = st.sampled_from(
    [
        "",
        PAGE,
        "http://site.test",
        "HTTP://User@site.test/a/",
        "https://Site.test:443/a//b/./c/../d?q=/x/#f",
        "http://site.test:8080/%7euser/ä;p/",
        "http://b\u00fccher.test/x",
        "http://a..b/c/",
        "//site.test/x",
        "https://Site.test/a/b.c/d_e/f?q=1/../2",
        "http://site.test/a/b/c.html?q=/x//y",
        "http://x/a//b/c",
        "http://x/",
        "file:///etc/passwd",
        "mailto:someone@site.test",
        "http://site.test/" + "d/" * (MAX_URL_CHARS // 2 - 20),
    ]
)
PIECES = ["/", "//", ".", "..", "./", "../", "../../", "a", "B.jpg", "~u", "x" * 40, "_", "-"]
PIECES += ["%20", "%7e", "%2F", "%zz", ";p", "?", "?x=1&y=[2]", "#", "#f", ":", "@", "\\", "<"]
PIECES += ["http:", "https://", "Cdn.test", ":80", "127.1", "0x7f", " ", "\t", "\n", "\0", "ä"]
PIECES += ["\ud800"]
REFERENCES = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


def _long_way(reference: str, base_url: str, page_url: str) -> str:
    """The same by urllib alone."""
    reference = reference.strip()
    if not reference:
        raise ValueError("no URL")
    joined = urljoin(base_url, reference)
    if joined.partition("#")[0] in {base_url, page_url}:
        raise ValueError("URL of the page itself")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "plain_url", lambda _url: None)
        return canonical_url(joined)


def _outcome(function, *arguments: str) -> tuple[str, str]:
    try:
        return function(*arguments), ""
    except ValueError as error:
        return "", str(error)


@given(REFERENCES, BASES)
def test_the_fast_path_leads_where_urllib_leads(reference, base_url):
    expected = _outcome(_long_way, reference, base_url, PAGE)
    assert _outcome(resolve, reference, base_url, PAGE) == expected


def test_the_same_over_many_ordinary_references():
    generator = random.Random(1)
    words = ["", "a", "img", "b.jpg", "C_d-e.PNG", "%C3%A4", "x=1&y=2", "220px-a,b(c).jpg", "v1.2"]
    taken = 0
    starts = [
        "",
        "/",
        "../",
        "../../../",
        "./",
        "//cdn.test/",
        "http://cdn.test/",
        "https://Cdn.test/",
    ]
    for _ in range(3000):
        start = generator.choice(starts)
        path = "/".join(generator.choices(words, k=generator.randint(1, 4)))
        reference = start + path + generator.choice(["", "", "?w=640", "?u=http://a.test/b"])
        taken += references._fast_path(reference, PAGE) is not None
        expected = _outcome(_long_way, reference, PAGE, PAGE)
        assert _outcome(resolve, reference, PAGE, PAGE) == expected
    assert taken > 1900


@pytest.mark.parametrize("length", [MAX_URL_CHARS, MAX_URL_CHARS + 1])
@pytest.mark.parametrize("start", ["http://site.test/dir/", "", "/dir/"])
def test_the_limit_on_length_is_the_same_on_both_ways(start, length):
    padding = length - len("http://site.test/dir/")
    expected = _outcome(_long_way, start + "x" * padding, PAGE, PAGE)
    assert _outcome(resolve, start + "x" * padding, PAGE, PAGE) == expected
    assert bool(expected[0]) == (length == MAX_URL_CHARS)


@pytest.mark.parametrize("reference", ["", " ", "#", "#top", "p", "/dir/p", PAGE, "http://"])
def test_nothing_and_the_page_itself_are_no_images(reference):
    with pytest.raises(ValueError, match=r"no URL|the page itself|no host|without a host"):
        resolve(reference, PAGE, PAGE)
