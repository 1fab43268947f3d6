"""Web archives of browsers (WACZ): the HTML pages of the WARC files in a zip."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim
from pipelines.crawl.streams import OpenInput


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.archives.wacz import read_wacz
    from pipelines.crawl.pages.page import read_pages

    del start, claim
    found = read_wacz(opened.stream, config.max_page_bytes, config.max_image_bytes)
    return read_pages(found, source.name, config)


READER = Reader(kind="wacz", suffixes=(".wacz",), read=_read)
