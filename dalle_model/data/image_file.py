"""Images as one file of their pixels: decoded once, and any of them is one read at a known place.

Images of 256 px, kept for the paper's augmentation, take some 0.5 MB each, squares of 64 px 12 KB;
encoded they would take a third, and be decoded again in every epoch, next to a training that waits.
Neither the file nor any part of it is mapped or held: what is resident is a key, a place and a
shape for each image, 40 bytes.

The pixels of all images; an Arrow table of their keys, places and shapes; its length; `_END`.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple
from weakref import finalize

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from dalle_model.data.permutation import Integers
from dalle_model.errors import DalleError
from dalle_model.pixels import Rgb
from dalle_model.shards import IMAGE_DIGITS

_END = b"dalle images v1\n"
_LENGTH_BYTES = 8
_SCHEMA = [("key", pa.string()), ("start", pa.int64()), ("shape", pa.list_(pa.int32(), 2))]
_MADE_OF, _DIGEST, _LEFT_OUT = b"made_of", b"digest", b"left_out"

Keys = npt.NDArray[np.bytes_]


class ImageFileError(DalleError):
    """A file of images cannot be made or used: why, and what to do."""


class ImageFile:
    """Distinct images in the order of their keys.

    Args:
        path: of a file that `write_images` has written.

    Attributes:
        keys: the images' parts of their keys, 24 hex digits each.
        made_of: what `write_images` was told.
        digest: of the keys and pixels of all images.
        left_out: images that were not kept.

    Raises:
        ImageFileError: it is no such file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = files.open_read(path)
        finalize(self, self._file.close)
        table = _index(path, self._file)
        about = table.schema.metadata
        self.made_of, self.digest = about[_MADE_OF].decode(), about[_DIGEST].decode()
        self.left_out = int(about[_LEFT_OUT])
        self.keys: Keys = np.array(table["key"].to_pylist(), f"S{IMAGE_DIGITS}")
        self._starts: Integers = table["start"].to_numpy()
        self._shapes = table["shape"].combine_chunks().values.to_numpy().reshape(-1, 2)

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageFile, (self._path,)

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, row: int) -> Rgb:
        """The pixels of an image, uint8 `(height, width, 3)`.

        Raises:
            ImageFileError: the file is cut off.
        """
        rgb = np.empty((*self._shapes[row], 3), np.uint8)
        if os.preadv(self._file.fileno(), [rgb.data], int(self._starts[row])) != rgb.nbytes:
            raise _unusable(self._path, "is cut off")
        return rgb


def open_images(
    path: str,
    made_of: str,
    named: Callable[[], Iterable[tuple[str, Rgb]]],
    kept: Callable[[Rgb], Rgb | None],
) -> ImageFile:
    """A file of images, which is written where it is missing, or was made of others.

    Args:
        path: on a disk.
        made_of: names the images, and what is kept of them.
        named: gives them, as for `write_images`.
        kept: as for `write_images`.

    Raises:
        ImageFileError: the file is none of images.
    """
    if not (files.exists(path) and ImageFile(path).made_of == made_of):
        write_images(path, made_of, named(), kept)
    return ImageFile(path)


def write_images(
    path: str,
    made_of: str,
    named: Iterable[tuple[str, Rgb]],
    kept: Callable[[Rgb], Rgb | None],
) -> None:
    """Write images one by one, each once: of equal pixels, those of the lowest key.

    Args:
        path: on a disk; either the whole file is there or none.
        made_of: names the images, and what is kept of them.
        named: image parts of keys, 24 hex digits, and pixels, uint8 `(height, width, 3)`.
        kept: what of an image is written; None leaves it out.
    """
    if not files.is_local(path):
        raise ImageFileError(f"{path}: images are kept on a disk; give a path on this machine")
    written, left_out = _Written(), 0
    with files.writing(path) as stream:
        for key, rgb in named:
            pixels = kept(rgb)
            if pixels is None:
                left_out += 1
            elif written.is_new(key, content := np.ascontiguousarray(pixels)):
                stream.write(content.data)
        stream.write(_tail(written.rows, made_of, left_out))


class _Written:
    """Which images are in the file, by the digests of their pixels."""

    def __init__(self) -> None:
        self.rows: dict[bytes, _Row] = {}
        self._end = 0

    def is_new(self, key: str, rgb: Rgb) -> bool:
        """Take note of an image; whether its pixels are to be written."""
        shape = rgb.shape[:2]
        digest = blake2b(rgb.data, digest_size=16, person=repr(shape).encode()).digest()
        first = self.rows.get(digest)
        if first is not None:
            self.rows[digest] = first._replace(key=min(key, first.key))
            return False
        self.rows[digest] = _Row(key, self._end, shape)
        self._end += rgb.nbytes
        return True


class _Row(NamedTuple):
    key: str
    start: int
    shape: tuple[int, ...]


def _tail(rows: Mapping[bytes, _Row], made_of: str, left_out: int) -> bytes:
    in_order = sorted((row, digest) for digest, row in rows.items())
    all_of = b"".join(row.key.encode() + digest for row, digest in in_order)
    about = {
        _MADE_OF: made_of.encode(),
        _DIGEST: files.sha256(all_of).encode(),
        _LEFT_OUT: str(left_out).encode(),
    }
    columns = [[row[n] for row, _ in in_order] for n in range(len(_SCHEMA))]
    table = pa.table(columns, pa.schema(_SCHEMA, about))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content = bytes(sink.getvalue())
    return content + len(content).to_bytes(_LENGTH_BYTES, "little") + _END


def _index(path: str, stream: BinaryIO) -> pa.Table:
    size, end = os.fstat(stream.fileno()).st_size, _LENGTH_BYTES + len(_END)
    tail = os.pread(stream.fileno(), end, max(0, size - end))
    length = int.from_bytes(tail[:_LENGTH_BYTES], "little")
    if not tail.endswith(_END) or length > size - end:
        raise _unusable(path, "holds no images of this version, or is damaged")
    return pa.ipc.open_stream(os.pread(stream.fileno(), length, size - end - length)).read_all()


def _unusable(path: str, why: str) -> ImageFileError:
    return ImageFileError(f"{path} {why}; delete it, and it is made again")
