"""One page of an archive or a folder, checked for size and hazards, then read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from selectolax.lexbor import SelectolaxError

from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pages.hazards import hazards
from pipelines.crawl.pages.html import extract
from pipelines.crawl.pages.terms import NO_HTTP_TERMS, HttpTerms
from pipelines.crawl.stored import StoredImage
from pipelines.rejection import Check, Rejection, first_failure

NO_IMAGES = "pages without images"


@dataclass(frozen=True)
class Page:
    """A page as served.

    Args:
        url: its address; empty where it is not known.
        html: at most one byte more than the limit.
        charset: of the HTTP header.
        http_terms: of the other HTTP headers.
    """

    url: str
    html: bytes
    charset: str | None = None
    http_terms: HttpTerms = NO_HTTP_TERMS


def read_pages(
    found: Iterable[Page | StoredImage | Rejection | PassedOver], source: str, config: CrawlConfig
) -> Iterator[Found | StoredImage | Rejection | PassedOver]:
    """The images of pages; those without an image are counted, at the end.

    Args:
        found: pages, and what takes the place of others.
        source: name of the source.
        config: of the crawl.
    """
    num_empty = 0
    for one in found:
        if not isinstance(one, Page):
            yield one
            continue
        rows = read_page(one, source, config)
        if (first := next(rows, None)) is None:
            num_empty += 1
        else:
            yield first
            yield from rows
    if num_empty:
        yield PassedOver(NO_IMAGES, num_empty)


def read_page(page: Page, source: str, config: CrawlConfig) -> Iterator[Found | Rejection]:
    """The images of a page, or the one reason why it is not read."""
    failure = first_failure(_checks(page.html, config))
    if failure is not None:
        yield rejection(
            page.url, "", failure.reason, measured=failure.measured, threshold=failure.threshold
        )
        return
    try:
        yield from extract(
            page.html,
            page.url,
            page.charset,
            text_sources=config.text_sources,
            http_terms=page.http_terms,
            source=source,
        )
    except (SelectolaxError, ValueError, RuntimeError) as error:
        yield rejection(page.url, "", "bad_page", type(error).__name__)


def _checks(html: bytes, config: CrawlConfig) -> Iterator[Check]:
    size = len(html)
    limit = config.max_page_bytes
    yield Check("page_too_large", size <= limit, size, limit)
    yield from hazards(html)
