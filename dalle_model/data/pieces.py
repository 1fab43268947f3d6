"""Parquet by ranges: of a shard no more is asked for than its footer and the columns wanted."""

import errno
import io
from collections.abc import Collection, Sequence
from typing import Any, BinaryIO, NamedTuple, cast

import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.parquet_seal import END_BYTES, seal_of
from dalle_model.ranges import read_range
from dalle_model.shards import ShardError

FOOTER_BYTES = 128 << 10  # chosen: what 16 row groups of 18 columns take, in one request
GAP_BYTES = 256 << 10  # chosen: what a store sends in the time that another request would take


class Footer(NamedTuple):
    """The end of a shard.

    Args:
        parsed: as pyarrow has it.
        sha256: of its bytes, which say where all others lie.
        stream: in which pyarrow finds it, and nothing else.
    """

    parsed: pq.FileMetaData
    sha256: str
    stream: BinaryIO


def read_footer(url: str, size: int) -> Footer:
    """Read the footer of a shard of `size` bytes, as a rule in one request.

    Raises:
        ShardError: missing, no Parquet, or damaged.
    """
    try:
        end = _some(url, size, max(0, size - FOOTER_BYTES), size)
        length = int.from_bytes(end[-END_BYTES:-4], "little") + END_BYTES
        if length > len(end) and length <= size:
            end = _some(url, size, size - length, size)
        stream = io.BytesIO(end[-length:])  # pyarrow looks at the end alone
        seal_of(stream.getvalue(), size - length)
        return Footer(pq.read_metadata(stream), files.sha256(stream.getvalue()), stream)
    except FileNotFoundError as error:
        raise ShardError(f"{url} is missing; `dalle run encode` makes it") from error
    except Exception as error:  # hostile bytes make pyarrow raise almost anything
        raise ShardError(f"{url} is not Parquet: {error}") from error


def open_columns(
    url: str, size: int, footer: pq.FileMetaData, group: int, columns: Collection[str]
) -> BinaryIO:
    """A shard to read some columns of one row group from; of a store, no other bytes are fetched.

    Raises:
        OSError: the disk or the store fails, or the object is shorter than it was.
    """
    if files.is_local(url):
        return files.open_read(url)
    pieces = [
        (start, _some(url, size, start, stop))
        for start, stop in _near(sorted(_chunks(footer.row_group(group), columns)))
    ]
    return cast(BinaryIO, _Pieces(url, size, pieces))


def _chunks(group: Any, columns: Collection[str]) -> list[tuple[int, int]]:
    """Where the columns of a row group begin and end."""
    chunks = (group.column(number) for number in range(group.num_columns))
    wanted = [chunk for chunk in chunks if chunk.path_in_schema.partition(".")[0] in columns]
    starts = [chunk.dictionary_page_offset or chunk.data_page_offset for chunk in wanted]
    return [
        (start, start + chunk.total_compressed_size)
        for start, chunk in zip(starts, wanted, strict=True)
    ]


def _near(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, those that lie near each other as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in ranges:
        if merged and start - merged[-1][1] <= GAP_BYTES:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _some(url: str, size: int, start: int, stop: int) -> bytes:
    content = read_range(url, start, stop - start)
    if content is None:  # the store answers no range
        content = files.read_bytes(url)[start:stop]
    if len(content) != stop - start:
        what = f"{len(content)} bytes instead of {stop - start} from byte {start} of {size}"
        raise OSError(errno.EIO, what, url)
    return content


class _Pieces(io.RawIOBase):
    """A file of which some pieces are here: `(start, bytes)` each."""

    def __init__(self, url: str, size: int, pieces: list[tuple[int, bytes]]) -> None:
        self._url, self._size, self._pieces, self._position = url, size, pieces, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = bases[whence] + offset
        return self._position

    def read(self, length: int = -1) -> bytes:
        stop = self._size if length < 0 else min(self._size, self._position + length)
        for start, content in self._pieces:
            if start <= self._position and stop <= start + len(content):
                found = content[self._position - start : stop - start]
                self._position = stop
                return found
        raise OSError(errno.EIO, f"bytes {self._position} to {stop} were not fetched", self._url)
