"""One input file, whatever its kind, as candidates and rejections."""

import io
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.crawl.candidates import Found, judge
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pages import Page, read_page
from pipelines.crawl.sources import InputFile, Kind, Source
from pipelines.crawl.tables import read_table
from pipelines.crawl.warc import read_warc
from pipelines.records import Candidate
from pipelines.rejection import Rejection

_LOG = logging.getLogger(__name__)

Reader = Callable[[BinaryIO, InputFile, Source, CrawlConfig], Iterator[Found | Rejection]]


class UnreadableInputError(DalleError):
    """The disk or the network failed; unlike bad content, that is no row's fault."""


def read_input(
    file: InputFile, source: Source, config: CrawlConfig
) -> Iterator[Candidate | Rejection]:
    """Every occurrence of a picture in a file, judged; damage is logged with its file.

    Raises:
        UnreadableInputError: the file is gone or cannot be read.
        MissingColumnError: a table lacks a column that the config names.
    """
    damage: Counter[str] = Counter()
    with _opened(file.location) as stream:
        for row in _READERS[file.kind](stream, file, source, config):
            if isinstance(row, Rejection):
                damage[row.reason] += 1
                yield row
            else:
                yield judge(row, config)
    for reason, count in sorted(damage.items()):
        _LOG.warning("%s: %d rows dropped unread: %s", file.location, count, reason)


def _read_warc(
    stream: BinaryIO, file: InputFile, source: Source, config: CrawlConfig
) -> Iterator[Found | Rejection]:
    for page in read_warc(stream, config.max_page_bytes):
        if isinstance(page, Rejection):
            yield page
        else:
            yield from read_page(page, source.name, config)


def _read_html(
    stream: BinaryIO, file: InputFile, source: Source, config: CrawlConfig
) -> Iterator[Found | Rejection]:
    page = Page(file.page_url, stream.read(config.max_page_bytes + 1))
    return read_page(page, source.name, config)


def _read_table(
    stream: BinaryIO, file: InputFile, source: Source, config: CrawlConfig
) -> Iterator[Found | Rejection]:
    return read_table(stream, file.location, source)


_READERS: dict[Kind, Reader] = {"warc": _read_warc, "html": _read_html, "table": _read_table}


def _opened(location: str) -> BinaryIO:
    try:
        return cast(BinaryIO, io.BufferedReader(_Guarded(files.open_read(location), location)))
    except OSError as error:
        raise UnreadableInputError(f"{location} cannot be opened: {error}") from error


class _Guarded(io.RawIOBase):
    """A stream whose own failures cannot be taken for damage in what it holds."""

    def __init__(self, stream: BinaryIO, location: str) -> None:
        self._stream, self._location = stream, location

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            content = self._stream.read(len(buffer))
        except OSError as error:
            raise UnreadableInputError(
                f"{self._location} cannot be read: {error}; run the same command again"
            ) from error
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def close(self) -> None:
        self._stream.close()
        super().close()
