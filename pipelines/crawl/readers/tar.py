"""WebDataset tars, img2dataset's among them, plain or gzipped."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.images.tars import read_tar

    location, limit = opened.file.location, config.max_image_bytes
    return read_tar(opened.stream, location, source, limit, start, claim)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.images.tars import tar_extent

    return tar_extent(opened.stream, opened.is_local)


READER = Reader(kind="tar", suffixes=(".tar", ".tar.gz", ".tgz"), read=_read, extent=_extent)
