"""HTML files: one page each, read in one piece."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim
from pipelines.crawl.streams import OpenInput


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.pages.page import Page, read_pages

    del start, claim
    html = opened.stream.read(config.max_page_bytes + 1)
    return read_pages([Page(opened.file.page_url, html)], source.name, config)


READER = Reader(kind="html", suffixes=(".html", ".htm", ".xhtml"), read=_read)
