import pytest

from pipelines.crawl.pages.terms import (
    NO_HTTP_TERMS,
    HttpTerms,
    language,
    meta,
    open_graph_images,
    opt_out_of,
    page_terms,
    read_headers,
)

PAGE = "http://site.test/dir/page"


def _og(*pairs: tuple[str, str]):
    return list(open_graph_images([meta(None, key, None, content) for key, content in pairs]))


@pytest.mark.parametrize(
    ("pairs", "images"),
    [
        ([("og:image", "a"), ("og:image:alt", "x")], [("a", "x")]),
        ([("OG:Image", " a "), ("og:image:width", "9"), ("og:image:alt", " x")], [("a", " x")]),
        ([("og:image:url", "a"), ("og:image:alt", "x")], [("a", "x")]),
        ([("og:image", "a"), ("og:image:url", "a"), ("og:image:alt", "x")], [("a", "x")]),
        (
            [("og:image", "a"), ("og:image:alt", "x"), ("og:image", "b"), ("og:image:alt", "y")],
            [("a", "x"), ("b", "y")],
        ),
        ([("og:image", "a"), ("og:image", "b"), ("og:image:alt", "y")], [("b", "y")]),
        ([("og:image", "a"), ("og:image:alt", "x"), ("og:image:alt", "y")], [("a", "x")]),
        ([("og:image", "a")], []),
        ([("og:image", "a"), ("og:image:alt", " \xa0")], []),
        ([("og:image:alt", "x"), ("og:image", "a")], []),
        ([("og:image", " "), ("og:image:alt", "x")], []),
        ([("og:image:secure_url", "a"), ("og:image:alt", "x")], []),
    ],
)
def test_open_graph_images_and_their_texts(pairs, images):
    assert _og(*pairs) == images


def test_every_key_of_a_meta_counts():
    both = meta("twitter:image", " og:image ", None, "a")
    assert both.keys == ("twitter:image", "og:image")
    assert list(open_graph_images([both, meta("og:image:alt", None, None, "x")])) == [("a", "x")]


@pytest.mark.parametrize(
    ("root", "pragma", "header", "declared"),
    [
        ("de-CH", "fr", "en", "de-CH"),
        (" ", " fr ", "en", "fr"),
        ("", "", "en", "en"),
        ("", "fr, de", "en", "en"),
        ("", "", "en, de", ""),
        ("x" * 99, "", "", "x" * 35),
        ("", "", "", ""),
    ],
)
def test_language_is_declared_by_root_meta_or_header(root, pragma, header, declared):
    metas = [meta(None, None, "Content-Language", pragma)]
    assert language(root, metas, HttpTerms(language=header)) == declared


@pytest.mark.parametrize(
    ("tdm", "robots", "opt_out"),
    [
        ("1", ["noai"], "tdm-reservation"),
        (" 1 ", [], "tdm-reservation"),
        ("0", ["noindex", "NoImageAI"], "noimageai"),
        ("", ["otherbot: noai"], ""),
        ("", [], ""),
    ],
)
def test_words_of_headers_against_use(tdm, robots, opt_out):
    assert read_headers(tdm, robots, "en") == HttpTerms(opt_out, "en")


def test_words_of_a_list():
    assert opt_out_of("noarchive, NoImageAI,noai") == "noai"
    assert opt_out_of("") == ""


def _terms(base: str, license_link: str):
    return page_terms(
        PAGE,
        "mine",
        base=base,
        license_link=license_link,
        root_language="",
        metas=[],
        http_terms=NO_HTTP_TERMS,
    )


def test_terms_are_those_of_every_image_of_the_page():
    found = _terms(" /b/ ", "cc").found("a.jpg", "a barn", "alt")
    assert (found.base_url, found.page_url, found.source) == ("http://site.test/b/", PAGE, "mine")
    assert found.license == "http://site.test/b/cc"
    assert (found.raw_url, found.caption, found.text_source) == ("a.jpg", "a barn", "alt")


@pytest.mark.parametrize("link", ["", "http://[broken", "x" * 2000])
def test_a_licence_that_is_no_link_is_none(link):
    assert _terms("http://[broken", link).license == ""
    assert _terms("http://[broken", link).base_url == PAGE
