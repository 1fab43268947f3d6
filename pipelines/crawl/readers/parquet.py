"""Parquet tables of URLs, or of images with their bytes."""

import posixpath
from collections.abc import Sequence

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.reader import Reader, Rows
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import Claim, Extent
from pipelines.crawl.streams import OpenInput


def _read(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    from pipelines.crawl.tables.parquet import read_parquet

    name, needed = opened.file.location, config.needs_captions
    return read_parquet(opened.stream, name, source, start, claim, needs_captions=needed)


def _extent(opened: OpenInput) -> Extent:
    from pipelines.crawl.tables.parquet import parquet_extent

    return parquet_extent(opened.stream)


def _logs_of_img2dataset(_source: Source, paths: Sequence[str]) -> dict[str, str]:
    """The tables that img2dataset writes next to its tars and folders: they are no source.

    Source: img2dataset `writer.py`: `00000.parquet` next to `00000.tar` or `00000/`, and
    `00000_stats.json`.
    """
    present = {*paths, *(posixpath.dirname(path) for path in paths)}
    stems = {path.removesuffix("_stats.json") for path in paths if path.endswith("_stats.json")}
    found = [stem for stem in stems if f"{stem}.tar" in present or stem in present]
    return {f"{stem}.parquet": "tables that img2dataset logs" for stem in found}


READER = Reader(
    kind="table",
    suffixes=(".parquet",),
    magic=b"PAR1",  # Source: parquet-format, "File Format"
    read=_read,
    extent=_extent,
    ignores=_logs_of_img2dataset,
)
