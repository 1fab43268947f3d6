"""Reading objects of a store in ranges: none is held whole, and all ranges are of one version.

A store answers some ten milliseconds after it is asked, whatever it is asked for: many bytes are
asked for at a time, and each of them once where a reader goes forwards.
"""

import errno
import io
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, cast

from dalle_model import files

# Source: Amazon S3 user guide, "Performance design patterns": 8 or 16 MB. Chosen: the smaller, as
# two are held, and as one more than its own is fetched for each part of an object.
BLOCK_BYTES = 8 << 20
HEAD_BYTES = 2 << 20  # chosen: twice what a reader of a later part looks at in the beginning
_NEAR = 8  # chosen: who skips an eighth of a block looks ahead, and comes back for it
_HELD_BLOCKS = 2  # chosen: so that a reader may go back by a block

_LOG = logging.getLogger(__name__)


def open_in_ranges(url: str) -> BinaryIO:
    """Open a file for reading; seekable. A disk is read as by `files.open_read`.

    Of an object in a store no more is held than two blocks of 8 MiB and its first 2 MiB. One of at
    most a block is read in one request. Where a store answers no range, it is read whole.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: now, or when it is read: a store fails, answers with fewer bytes than it should,
            or the object has been replaced since it was opened.
    """
    if files.is_local(url):
        return files.open_read(url)
    filesystem, path = _answering_ranges(url)
    with _failures_as_os_errors(url):
        filesystem.invalidate_cache()  # another process may have just written it
        stored = filesystem.open(path, "rb", cache_type="none")
        if not stored.size:  # it may be a folder, or of a size that is not known
            stored.close()
            return io.BytesIO(files.read_bytes(url))
        is_one_version = getattr(filesystem, "local_expiry_check", stored.size <= BLOCK_BYTES)
        version = None if is_one_version else files.identity(url)
    return cast(BinaryIO, io.BufferedReader(_Blocks(url, stored, version)))


def read_range(url: str, offset: int, length: int) -> bytes | None:
    """Some bytes of a file, in one request; fewer where it is shorter.

    None where the store answers no range of it, so that it has to be read whole.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the disk or the store fails.
    """
    if files.is_local(url):
        with files.open_read(url) as stream:
            stream.seek(offset)
            return stream.read(length)
    filesystem, path = _answering_ranges(url)
    try:
        content: bytes = filesystem.cat_file(path, start=offset, end=offset + length)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - each store has errors of its own for it
        return None
    return content if len(content) <= length else None  # some servers take no notice of a range


class _Block(NamedTuple):
    start: int
    content: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.content)


class _Blocks(io.RawIOBase):
    """An object as a stream that asks for a block when it is first read.

    Args:
        url: of the object.
        stored: it as fsspec opens it: each read is a request.
        version: its identity, to be compared; None where nothing else can be answered.
    """

    def __init__(self, url: str, stored: Any, version: dict[str, Any] | None) -> None:
        self._url, self._stored, self._version = url, stored, version
        self._size, self._position = int(stored.size), 0
        self._whole: bytes | None = None
        self._answers_ranges = False
        self._head, self._held = _Block(0, b""), deque[_Block]()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._position >= self._size:
            return 0
        start, fetched = self._block_at(self._position)
        first = self._position - start
        content = memoryview(fetched)[first : first + len(buffer)]
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = max(0, bases[whence] + offset)
        return self._position

    def close(self) -> None:
        self._held.clear()
        self._stored.close()
        super().close()

    def _block_at(self, position: int) -> _Block:
        """The block that a position is in; a new one begins there, or where another one ends."""
        for block in (self._head, *self._held):
            if block.start <= position < block.end:
                return block
        start, stop = self._around(position)
        if (start, stop) == (0, HEAD_BYTES):
            self._head = _Block(start, self._fetch(start, stop))
            return self._head
        while len(self._held) >= _HELD_BLOCKS:  # before there is another one
            self._held.popleft()
        self._held.append(_Block(start, self._fetch(start, stop)))
        return self._held[-1]

    def _around(self, position: int) -> tuple[int, int]:
        """What to ask for to have a position, up to what is held."""
        if self._size <= BLOCK_BYTES:
            return 0, self._size
        if position == 0:
            return 0, HEAD_BYTES
        blocks = (self._head, *self._held)
        before = max((block.end for block in blocks if block.end <= position), default=0)
        start = before if position - before <= BLOCK_BYTES // _NEAR else position
        following = (block.start for block in blocks if block.start > position)
        return start, min(start + BLOCK_BYTES, self._size, *following)

    def _fetch(self, start: int, stop: int) -> bytes:
        content = self._asked_for(start, stop) if self._whole is None else self._whole[start:stop]
        with _failures_as_os_errors(self._url):
            if self._version and files.identity(self._url) != self._version:
                raise self._replaced()
        if len(content) != stop - start:
            what = f"{len(content)} bytes instead of {stop - start} from byte {start} on"
            raise OSError(errno.EIO, what, self._url)
        return content

    def _asked_for(self, start: int, stop: int) -> bytes:
        try:
            self._stored.seek(start)
            content: bytes = self._stored.read(stop - start)
        except OSError as error:
            if error.errno == errno.EBUSY:  # Source: s3fs `FileExpired`
                raise self._replaced() from error
            raise
        except Exception as error:
            if self._answers_ranges:
                raise _failure(self._url, error) from error
            self._whole = _read_whole(self._url, error)
            return self._whole[start:stop]
        self._answers_ranges = self._answers_ranges or start > 0  # the first bytes prove nothing
        return content

    def _replaced(self) -> OSError:
        return OSError(errno.EBUSY, "the object was replaced while it was read", self._url)


def _answering_ranges(url: str) -> tuple[Any, str]:
    """The store of a URL, so that it answers ranges, and each of the same version.

    Some servers of S3 answer a range with the checksum of the whole object, which botocore takes
    for damage; some take no notice of a condition on the version. Source: rclone 1.75 `serve s3`.
    """
    filesystem, path = files.url_to_fs(url)
    if not hasattr(filesystem, "local_expiry_check"):  # s3fs alone has it
        return filesystem, path
    options = filesystem.storage_options
    config = {
        **(options.get("config_kwargs") or {}),
        "response_checksum_validation": "when_required",
    }
    changed = {**options, "local_expiry_check": True, "config_kwargs": config}
    return type(filesystem)(*filesystem.storage_args, **changed), path


def _read_whole(url: str, error: Exception) -> bytes:
    _LOG.warning("%s: read whole, since the store answers no range of it: %s", url, error)
    with _failures_as_os_errors(url):
        return files.read_bytes(url)


@contextmanager
def _failures_as_os_errors(url: str) -> Iterator[None]:
    """Each library has errors of its own, and a failing store is to be told from bad content."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise _failure(url, error) from error


def _failure(url: str, error: Exception) -> OSError:
    return OSError(errno.EIO, f"{type(error).__name__}: {error}", url)
