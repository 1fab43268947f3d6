"""An input as a stream that tells a failing disk from bad content."""

import io
from typing import BinaryIO, cast

from dalle_model import files
from dalle_model.errors import DalleError


class UnreadableInputError(DalleError):
    """The disk or the network failed; unlike bad content, that is no row's fault."""


def open_input(location: str) -> BinaryIO:
    """Open for reading from any place.

    Raises:
        UnreadableInputError: now, or when it is read.
    """
    try:
        return cast(BinaryIO, io.BufferedReader(_Guarded(files.open_read(location), location)))
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
