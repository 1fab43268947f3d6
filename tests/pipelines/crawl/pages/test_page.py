from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pages.page import Page, read_page
from pipelines.crawl.pages.terms import HttpTerms
from pipelines.crawl.sources import Source
from pipelines.rejection import Rejection

CONFIG = CrawlConfig(sources=(Source(path="unused"),), max_page_bytes=600_000)
URL = "http://site.test/"


def _only_rejection(html: bytes) -> Rejection:
    (row,) = read_page(Page(URL, html), "", CONFIG)
    assert isinstance(row, Rejection)
    assert row.url == URL
    return row


def test_settings_and_headers_reach_every_image():
    page = Page(URL, "<img alt='Кот'><img>".encode("cp1251"), "cp1251", HttpTerms(opt_out="noai"))
    rows = list(read_page(page, "mine", CONFIG))
    assert [getattr(row, "caption", None) for row in rows] == ["Кот", ""]
    assert {(row.source, row.opt_out) for row in rows if not isinstance(row, Rejection)} == {
        ("mine", "noai")
    }


def test_a_page_above_the_limit_is_one_rejection():
    row = _only_rejection(b"<img>" * 200_000)
    assert (row.reason, row.measured, row.threshold) == ("page_too_large", 1_000_000, 600_000)


def test_a_page_that_would_choke_the_parser_is_one_rejection():
    assert _only_rejection(b"<div>" * 100_000).reason == "page_too_deep"


def test_a_failing_parser_is_one_rejection(monkeypatch):
    def fail(*_args: object, **_options: object) -> None:
        raise ValueError("of the parser")

    monkeypatch.setattr("pipelines.crawl.pages.page.extract", fail)
    row = _only_rejection(b"<img>")
    assert (row.reason, row.detail) == ("bad_page", "ValueError")
