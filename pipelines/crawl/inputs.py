"""One input, whatever its format, or a part of it, as candidates and rejections."""

import logging
from collections import Counter
from collections.abc import Iterator

from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import to_candidate
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.image import Image, InlineImage, to_inline_image
from pipelines.crawl.kept import if_kept
from pipelines.crawl.readers.reader import Rows
from pipelines.crawl.readers.registry import reader_for, readers_of
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every
from pipelines.crawl.stored import StoredImage
from pipelines.crawl.streams import OpenInput
from pipelines.crawl.tables.columns import ColumnError
from pipelines.io.uids import open_keep_list
from pipelines.records import Candidate
from pipelines.rejection import Rejection

Row = Candidate | InlineImage | StoredImage | Rejection | PassedOver

_LOG = logging.getLogger(__name__)


def read_input(
    file: InputFile, source: Source, config: CrawlConfig, start: int = 0, claim: Claim = every
) -> Iterator[Row]:
    """Every occurrence of an image in a part of an input, as a candidate or a rejection.

    Images that are stored beside pages come as such, for rows of their URL.

    Damage is logged with the file that it is in, which no row names.

    Args:
        file: the input.
        source: that it belongs to.
        config: of the crawl.
        start: first position of the part; `input_extent` says what positions are.
        claim: asked for the position of each unit, which is read only if it agrees.

    Raises:
        UnreadableInputError: the file is gone or cannot be read.
        ColumnError: a table lacks a column, or more than one could be meant.
        KeepListError: the keep list of the config cannot be read.
    """
    damage: Counter[str] = Counter()
    keep = open_keep_list(config.keep) if config.keep else None
    with OpenInput(file) as opened:
        try:
            for row in _rows(opened, source, config, start, claim):
                if isinstance(row, Rejection):
                    damage[row.reason] += 1
                    yield row
                elif isinstance(row, StoredImage):
                    if config.takes_stored_images:
                        yield row
                elif isinstance(row, PassedOver):
                    yield row
                elif isinstance(row, Image):
                    yield if_kept(to_inline_image(row, config, file.prefix), keep)
                else:
                    yield if_kept(to_candidate(row, config), keep)
        except ColumnError as error:
            raise ColumnError(f"{file.config_key}: {error}") from error
    for reason, count in sorted(damage.items()):
        _LOG.warning("%s: %d rows dropped unread: %s", file.location, count, reason)


def input_extent(file: InputFile) -> Extent:
    """The positions of an input, and how many of them make a part.

    No input has more positions than bytes.

    Raises:
        UnreadableInputError: the file is gone or cannot be read.
    """
    if all(reader.extent is None for reader in readers_of(file.kind)):
        return WHOLE
    with OpenInput(file) as opened:
        extent = reader_for(opened).extent
        return extent(opened) if extent else WHOLE


def _rows(opened: OpenInput, source: Source, config: CrawlConfig, start: int, claim: Claim) -> Rows:
    reader = reader_for(opened)
    if reader.extent is None:  # one piece: the part with its beginning
        if start > 0 or not claim(0):
            return iter(())
        start, claim = 0, every
    return reader.read(opened, source, config, start, claim)
