"""Common Crawl's metadata of pages (WAT), plain or gzipped by record."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.archives.wat import read_wat

    return read_wat(opened.stream, config, source.name, start, claim)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.archives.sections import archive_extent

    return archive_extent(opened.stream, opened.is_local)


READER = Reader(
    kind="wat",
    suffixes=(".warc.wat", ".warc.wat.gz", ".wat", ".wat.gz"),
    read=_read,
    extent=_extent,
)
