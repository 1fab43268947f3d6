"""Web archives (WARC), plain or packed by gzip or zstd: the HTML pages in them."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.archives.warc import read_warc
    from pipelines.crawl.pages.page import read_pages

    limits = config.max_page_bytes, config.max_image_bytes
    found = read_warc(opened.stream, limits[0], start, claim, max_image_bytes=limits[1])
    return read_pages(found, source.name, config)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.archives.sections import archive_extent

    return archive_extent(opened.stream, opened.is_local)


_ARC = "ARC archives are not read: convert them to WARC with `warcio recompress OLD NEW`"

READER = Reader(
    kind="warc",
    suffixes=(".warc", ".warc.gz", ".warc.zst"),
    read=_read,
    extent=_extent,
    hints={".arc": _ARC, ".arc.gz": _ARC},
)
