"""One input, whatever its kind, or a part of it, as candidates and rejections."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator

from dalle_model import files
from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.archives.wat import read_wat
from pipelines.crawl.blobs import InlineImage
from pipelines.crawl.candidates import Found, judge
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.folders import folder_extent, read_folder
from pipelines.crawl.images.image import Image, judge_image
from pipelines.crawl.images.tars import read_tar, tar_extent
from pipelines.crawl.pages.page import Page, read_page
from pipelines.crawl.sources import InputFile, Kind, Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every, extent_of_bytes
from pipelines.crawl.streams import open_input, size_of
from pipelines.crawl.tables.columns import ColumnError
from pipelines.crawl.tables.read import read_table, table_extent
from pipelines.records import Candidate
from pipelines.rejection import Rejection

_LOG = logging.getLogger(__name__)

Rows = Iterator[Found | Image | Rejection]
Reader = Callable[[InputFile, Source, CrawlConfig, int, Claim], Rows]


def read_input(
    file: InputFile, source: Source, config: CrawlConfig, start: int = 0, claim: Claim = every
) -> Iterator[Candidate | InlineImage | Rejection]:
    """Every occurrence of an image in a part of an input, judged; damage is logged with its file.

    Args:
        file: the input.
        source: that it belongs to.
        config: of the crawl.
        start: first position of the part; `input_extent` says what positions are.
        claim: asked for the position of each unit, which is read only if it agrees.

    Raises:
        UnreadableInputError: the file is gone or cannot be read.
        ColumnError: a table lacks a column, or more than one could be meant.
    """
    damage: Counter[str] = Counter()
    try:
        for row in _READERS[file.kind](file, source, config, start, claim):
            if isinstance(row, Rejection):
                damage[row.reason] += 1
                yield row
            else:
                yield judge_image(row, config) if isinstance(row, Image) else judge(row, config)
    except ColumnError as error:
        raise ColumnError(f"{file.config_key}: {error}") from error
    for reason, count in sorted(damage.items()):
        _LOG.warning("%s: %d rows dropped unread: %s", file.location, count, reason)


def input_extent(file: InputFile) -> Extent:
    """The positions of an input, and how many of them make a part.

    What lies in an object store is one part, since it is fetched whole (`files.open_read`); no
    input has more positions than bytes.

    Raises:
        UnreadableInputError: the file is gone or cannot be read.
    """
    if file.kind == "html":
        return WHOLE
    if file.kind == "images":
        return folder_extent(file)
    if not files.is_local(file.location):
        size = max(1, size_of(file.location))
        return Extent(size, size)
    if file.kind in {"warc", "wat"}:
        return extent_of_bytes(size_of(file.location))
    with open_input(file.location) as stream:
        return tar_extent(stream) if file.kind == "tar" else table_extent(stream, file.location)


def _read_warc(
    file: InputFile, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    with open_input(file.location) as stream:
        for page in read_warc(stream, config.max_page_bytes, start, claim):
            if isinstance(page, Rejection):
                yield page
            else:
                yield from read_page(page, source.name, config)


def _read_wat(
    file: InputFile, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    with open_input(file.location) as stream:
        yield from read_wat(stream, config, source.name, start, claim)


def _read_html(
    file: InputFile, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    if not claim(start):
        return
    with open_input(file.location) as stream:
        page = Page(file.page_url, stream.read(config.max_page_bytes + 1))
    yield from read_page(page, source.name, config)


def _read_table(
    file: InputFile, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    with open_input(file.location) as stream:
        yield from read_table(stream, file.location, source, start, claim)


def _read_tar(
    file: InputFile, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    with open_input(file.location) as stream:
        yield from read_tar(stream, file.location, source, config.max_image_bytes, start, claim)


def _read_images(
    file: InputFile, source: Source, config: CrawlConfig, start: int, claim: Claim
) -> Rows:
    return read_folder(file, source, config.max_image_bytes, start, claim)


_READERS: dict[Kind, Reader] = {
    "warc": _read_warc,
    "wat": _read_wat,
    "html": _read_html,
    "table": _read_table,
    "tar": _read_tar,
    "images": _read_images,
}
