"""HTML files: one page each, read in one piece."""

import posixpath
from collections.abc import Sequence

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.names import captioned_folders
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim
from pipelines.crawl.streams import OpenInput

_KIND = "html"
_SUFFIXES = (".html", ".htm", ".xhtml")


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.pages.page import Page, read_pages

    del start, claim
    html = opened.stream.read(config.max_page_bytes + 1)
    return read_pages([Page(opened.file.page_url, html)], source.name, config)


def _galleries(source: Source, paths: Sequence[str]) -> dict[str, str]:
    """The pages next to images that have captions already, unless the source asks for pages."""
    pages = [path for path in paths if path.lower().endswith(_SUFFIXES)]
    if source.kind == _KIND or not pages:
        return {}
    folders = captioned_folders(paths)
    found = [path for path in pages if posixpath.dirname(path) in folders]
    return dict.fromkeys(found, "pages in folders of images")


READER = Reader(kind=_KIND, suffixes=_SUFFIXES, read=_read, ignores=_galleries)
