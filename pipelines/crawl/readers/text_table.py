"""CSV, TSV and lines of JSON, plain or gzipped; any table that is not of another format."""

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput

_FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson")


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.tables.text import read_text_table

    name, needed = opened.file.location, config.needs_captions
    return read_text_table(opened.stream, name, source, start, claim, needs_captions=needed)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.tables.text import text_extent

    return text_extent(opened.stream, opened.file.location)


READER = Reader(
    kind="table",
    suffixes=(*_FORMATS, *(f"{suffix}.gz" for suffix in _FORMATS)),
    read=_read,
    extent=_extent,
)
