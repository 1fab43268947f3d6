import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.web import urls
from pipelines.web.urls import MAX_URL_CHARS, canonical_url, origin


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:443/a", "http://example.com:443/a"),
        ("http://example.com./a", "http://example.com/a"),
        ("http://example.com/a/./b/../c", "http://example.com/a/c"),
        ("http://example.com/a/%2e%2E/c", "http://example.com/c"),
        ("http://example.com/../../a", "http://example.com/a"),
        ("http://example.com/a/..", "http://example.com/"),
        ("http://example.com//a//b", "http://example.com//a//b"),
        ("http://example.com/%7euser/%c3%a4", "http://example.com/~user/%C3%A4"),
        ("http://example.com/ä b.jpg", "http://example.com/%C3%A4%20b.jpg"),
        ("http://example.com/100%.jpg", "http://example.com/100%25.jpg"),
        ("http://example.com/a%2Fb", "http://example.com/a%2Fb"),
        ("http://example.com/a?b=c&d=%2f#top", "http://example.com/a?b=c&d=%2F"),
        ("http://example.com/a?", "http://example.com/a"),
        ("http://example.com?q=\\", "http://example.com/?q=%5C"),
        ("  http://example.com/a\n", "http://example.com/a"),
        ("http:\\\\example.com\\a", "http://example.com/a"),
        ("http://bücher.de/", "http://xn--bcher-kva.de/"),
        ("http://foo_bar.example.com/", "http://foo_bar.example.com/"),
        ("http://ex%61mple.com/", "http://example.com/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/"),
    ],
)
def test_one_spelling(spelling, canonical):
    assert canonical_url(spelling) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a.jpg",
        "//example.com/a.jpg",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http:///a",
        "http://:80/a",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://example.com:port/",
        "http://a b.com/",
        "http://a..b/",
        "http://" + "a" * 64 + ".com/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://1.2.3.4.5/",
        "http://999.1/",
        "http://exa\x00mple.com/",
        "http://example.com/\ud800",
        "http://example.com/" + "a" * MAX_URL_CHARS,
    ],
)
def test_what_is_not_a_web_address_is_refused(url):
    with pytest.raises(ValueError, match=r"\S"):
        canonical_url(url)


@given(st.text(max_size=60), st.text(max_size=30))
def test_the_result_is_a_fixed_point(path, query):
    once = canonical_url(f"http://example.com/{path}?{query}") if _encodes(path + query) else None
    if once is not None:
        assert canonical_url(once) == once
        assert once.isascii()


def test_origin_keeps_the_port():
    assert origin("http://example.com:8080/a?b") == "http://example.com:8080"


def _encodes(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


PIECES = ["a", "B-1.jpg", "/", "//", "/.", "..", "%20", "%7e", "%C3%A4", "%zz", "ä", ";", ":", "@"]
PIECES += ["?", "=", "&", "[", "#", "\\", " ", "\n", "x" * 40, "127.1", "0x7f", "_", "'", '"', "*"]


@given(
    st.sampled_from(["http://", "https://", "HTTP://", "ftp://", "//", ""]),
    st.sampled_from(["site.test", "Site.TEST", "a..b", "site.test.", "1.2", "a:80", "u@a", "é.x"]),
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
)
def test_a_plain_url_is_spelled_as_any_other(scheme, host, rest):
    url = f"{scheme}{host}/{rest}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "plain_url", lambda _url: None)
        expected = _spelled(url)
    assert _spelled(url) == expected
    assert urls.plain_url(url) in {None, expected[0]}


def _spelled(url):
    try:
        return canonical_url(url), ""
    except ValueError as error:
        return "", str(error)
