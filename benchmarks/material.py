"""What the benchmarks work on: pages, pairs and images of the demo's web archive."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import inputs
from pipelines.crawl.inputs import read_input
from pipelines.crawl.pages.page import Page
from pipelines.crawl.sources import Source
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.rules import UnusableImageError
from pipelines.records import Candidate
from pipelines.rejection import Rejection

ARCHIVE = Path(__file__).parents[1] / "demo" / "web.warc.gz"
CONFIG = CrawlConfig(sources=(Source(path=str(ARCHIVE), name="demo"),))
SIDE = 64  # pixels: of the demo's dVAE


@dataclass(frozen=True)
class Pair:
    """A candidate with its image as served."""

    candidate: Candidate
    encoded: bytes


def candidates() -> list[Candidate | Rejection]:
    """What the crawl stage reads from the archive."""
    ((file, source),) = inputs(CONFIG)
    rows = read_input(file, source, CONFIG)
    return [row for row in rows if isinstance(row, Candidate | Rejection)]


def pages() -> list[Page]:
    """The HTML pages of the archive."""
    with ARCHIVE.open("rb") as stream:
        found = read_warc(stream, CONFIG.max_page_bytes)
        return [page for page in found if isinstance(page, Page)]


@lru_cache
def pairs(count: int, min_side: int = SIDE) -> tuple[Pair, ...]:
    """Up to `count` pairs with different, usable images, evenly spread over the archive."""
    bodies, config = _bodies(), ImagesConfig(side=min_side)
    unique = {row.url: row for row in candidates() if isinstance(row, Candidate)}
    found = [
        Pair(row, encoded)
        for url, row in sorted(unique.items())
        if (encoded := bodies.get(_address(url))) is not None and _is_usable(encoded, config)
    ]
    return tuple(found[:: max(1, len(found) // count)][:count])


def _bodies() -> dict[tuple[str, str, str], bytes]:
    with ARCHIVE.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response)
        return {_address(r.headers["WARC-Target-URI"]): r.reader.read() for r in records}


def _address(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc, parts.path, parts.query


def _is_usable(encoded: bytes, config: ImagesConfig) -> bool:
    try:
        decode(encoded, config)
    except UnusableImageError:
        return False
    return True
