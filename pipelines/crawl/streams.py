"""Opens inputs as streams that distinguish a failing disk from bad content."""

import gzip
import io
import zlib
from functools import cached_property
from types import TracebackType
from typing import BinaryIO, Self, cast

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.ranges import open_in_ranges
from pipelines.crawl.sources import InputFile

GZIP_MAGIC = b"\x1f\x8b"  # Source: RFC 1952, section 2.3.1
DAMAGED_GZIP = (EOFError, OSError, zlib.error)  # what `gunzip` raises while it is read


class UnreadableInputError(DalleError):
    """The disk or the network failed, which unlike bad content is not a rejection."""


class OpenInput:
    """An input while it is read, as a context: its stream is opened when it is first asked for.

    Args:
        file: the input; a folder is never opened.
        stream: its content, where that is open already.
    """

    def __init__(self, file: InputFile, stream: BinaryIO | None = None) -> None:
        self.file = file
        if stream is not None:
            self.stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if "stream" in vars(self):  # it was asked for
            self.stream.close()

    @cached_property
    def stream(self) -> BinaryIO:
        """The content; seekable.

        Raises:
            UnreadableInputError: now, or when it is read.
        """
        return open_input(self.file.location)

    @property
    def is_local(self) -> bool:
        """Whether it is on a disk of this machine."""
        return files.is_local(self.file.location)

    @property
    def size(self) -> int:
        """Bytes, without reading them.

        Raises:
            UnreadableInputError: it is gone, or the disk or the network failed.
        """
        if "stream" not in vars(self):
            return size_of(self.file.location)
        position = self.stream.tell()
        size = self.stream.seek(0, io.SEEK_END)
        self.stream.seek(position)
        return size

    def head(self, num_bytes: int) -> bytes:
        """The first bytes; the stream is at its beginning afterwards."""
        self.stream.seek(0)
        head = self.stream.read(num_bytes)
        self.stream.seek(0)
        return head


def open_input(location: str) -> BinaryIO:
    """Open a file of any file system for reading; one in a store is fetched in ranges.

    Raises:
        UnreadableInputError: now, or when it is read.
    """
    try:
        return cast(BinaryIO, io.BufferedReader(_Guarded(open_in_ranges(location), location)))
    except OSError as error:
        raise UnreadableInputError(f"{location} cannot be opened: {error}") from error


def size_of(location: str) -> int:
    """Bytes of an input, without reading it.

    Raises:
        UnreadableInputError: it is gone, or the disk or the network failed.
    """
    try:
        return int(files.identity(location)["bytes"])
    except OSError as error:
        raise UnreadableInputError(f"{location} cannot be found: {error}") from error


def is_gzip(stream: BinaryIO) -> bool:
    """Whether the content is gzipped, by its first bytes; the stream is left after them."""
    stream.seek(0)
    return stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def gunzip(stream: BinaryIO) -> BinaryIO:
    """The decompressed content, from the beginning of a gzipped stream; seekable forward."""
    stream.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))


class _Guarded(io.RawIOBase):
    """A stream whose failures cannot be mistaken for damaged content."""

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
