"""The bytes of the images of one shard, which may be more than fit into memory."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import BinaryIO, Protocol, cast

from dalle_model import files
from pipelines.io.aside import ASIDE_BYTES, ByteRange, take_back
from pipelines.rejection import Check


class Source(Protocol):
    """Where the bytes of images are read."""

    def read(self, image_key: str) -> bytes: ...
    def close(self) -> None: ...


class Bodies:
    """Bytes by the image's part of the key: the last ones in memory, those before in one file.

    The file has no name: the system frees it with the process, however that ends. A shard whose
    images are few has none.

    Args:
        folder: URL of the folder on whose disk it lies.
        refusal: why bytes are written nowhere, if so; asked before they are.
        limit: bytes in memory, after which they are written.

    Attributes:
        refused: images whose bytes were not written, and are gone.
    """

    def __init__(
        self,
        folder: str,
        refusal: Callable[[bytes], Check | None] = lambda _: None,
        limit: int = ASIDE_BYTES,
    ) -> None:
        self._folder, self._refusal, self._limit = folder, refusal, limit
        self.refused: dict[str, Check] = {}
        self._adding, self._writing = Lock(), Lock()
        self._waiting: dict[str, bytes] = {}
        self._num_bytes = 0
        self._file: BinaryIO | None = None
        self._places: dict[str, tuple[int, int]] = {}  # offset and length

    def add(self, image_key: str, body: bytes) -> None:
        """Take the bytes of an image; any thread may."""
        with self._adding:
            self._waiting[image_key] = body
            self._num_bytes += len(body)

    @property
    def are_many(self) -> bool:
        """Whether it is time to write."""
        return self._num_bytes >= self._limit

    def write(self) -> None:
        """Write what waits, if that is much; any thread may, while others add."""
        with self._writing:
            with self._adding:
                if not self.are_many:
                    return  # another thread was first
                waiting, self._waiting, self._num_bytes = self._waiting, {}, 0
            file = self._file = self._file or files.scratch(self._folder)
            for image_key, body in waiting.items():
                if refused := self._refusal(body):
                    self.refused[image_key] = refused
                    continue
                self._places[image_key] = file.tell(), len(body)
                file.write(body)

    @property
    def written(self) -> frozenset[str]:
        """The images whose bytes are in the file, since they may be."""
        return frozenset(self._places)

    def read(self, image_key: str) -> bytes:
        """The bytes of an image, once all have been added.

        Raises:
            KeyError: it is not here.
        """
        if image_key in self._waiting:
            return self._waiting[image_key]
        offset, length = self._places[image_key]
        file = cast(BinaryIO, self._file)  # in which it has a place
        file.seek(offset)
        return file.read(length)

    def close(self) -> None:
        """Let go of all bytes."""
        self._waiting, self._places = {}, {}
        if self._file is not None:
            self._file.close()


class BodiesAside:
    """The same of bytes that were put aside on this machine's disks: they are read where they lie.

    Args:
        places: by the image's part of the key.
    """

    def __init__(self, places: Mapping[str, ByteRange]) -> None:
        self._places = places

    def read(self, image_key: str) -> bytes:
        """The bytes of an image.

        Raises:
            KeyError: it is not here.
            FileNotFoundError: the file is gone.
        """
        ((_, body),) = take_back({image_key: self._places[image_key]})
        return body

    def close(self) -> None:
        """Nothing is held."""


def bodies_at(places: Mapping[str, ByteRange], folder: str) -> Source:
    """The bytes that were put aside at some places.

    From a store they are brought onto this machine's disk, in the order in which they lie there: in
    that of the keys each would be a request.

    Args:
        places: by the image's part of the key.
        folder: as in `Bodies`.

    Raises:
        FileNotFoundError: a file is gone.
    """
    if all(files.is_local(place.location) for place in places.values()):
        return BodiesAside(places)
    bodies = Bodies(folder)
    for image_key, body in take_back(places):
        bodies.add(image_key, body)
        if bodies.are_many:
            bodies.write()
    return bodies
