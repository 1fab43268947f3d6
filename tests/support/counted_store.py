"""An object store in memory that counts requests as S3 does: a listing gives 1,000 names.

Source: Amazon S3 API reference, ListObjectsV2 (`MaxKeys`) and DeleteObjects: 1,000 keys a request.
"""

from collections import Counter
from threading import Lock
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.spec import AbstractBufferedFile

PROTOCOL = "counted"
KEYS_A_REQUEST = 1000


class CountedStore(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """`counted://...`; `requests` holds how many of each kind were sent, `answers` of what sizes.

    Attributes:
        answers: of each GET, the path, and how many bytes came.
    """

    protocol = PROTOCOL
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    requests: ClassVar[Counter[str]] = Counter()
    answers: ClassVar[list[tuple[str, int]]] = []
    _lock = Lock()

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        found: list[Any] = super().ls(path, detail=detail, **options)
        self.requests["LIST"] += max(1, -(-len(found) // KEYS_A_REQUEST))
        return found

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        self.requests["HEAD"] += 1
        entry = self.store.get(self._strip_protocol(path))
        if entry is None:
            folder: dict[str, Any] = super().info(path, **options)
            return folder
        size, etag = entry.getbuffer().nbytes, entry.modified.isoformat()
        return {"name": path, "size": size, "type": "file", "ETag": etag}

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """As of a store in a network, where each read is a request unless it is cached."""
        if mode != "rb":
            return super().open(path, mode, **options)
        return _CountedFile(self, self._strip_protocol(path), mode, **options)

    def exists(self, path: str, **options: Any) -> bool:
        self.requests["HEAD"] += 1
        return self._strip_protocol(path) in self.store

    def cat_file(self, path: str, start: Any = None, end: Any = None, **options: Any) -> bytes:
        name = self._strip_protocol(path)
        entry = self.store.get(name)
        content = bytes(entry.getbuffer()[start:end]) if entry else b""
        with self._lock:
            self.requests["GET"] += 1
            self.answers.append((name, len(content)))
        if entry is None:
            raise FileNotFoundError(path)
        return content

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        self.requests["PUT"] += 1
        super().pipe_file(path, value, **options)

    def rm(self, path: str, recursive: bool = False, maxdepth: Any = None) -> None:
        inside = f"{self._strip_protocol(path)}/"
        gone = [name for name in self.store if f"{name}/".startswith(inside)]
        pages = max(1, -(-len(gone) // KEYS_A_REQUEST))
        self.requests["LIST"] += pages
        self.requests["DELETE"] += pages
        if not gone:
            raise FileNotFoundError(path)
        for name in gone:
            del self.store[name]


class _CountedFile(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        return bytes(self.fs.cat_file(self.path, start, end))


def counted_store() -> type[CountedStore]:
    """The store, empty, with nothing counted."""
    fsspec.register_implementation(PROTOCOL, CountedStore, clobber=True)
    CountedStore.store.clear()
    CountedStore.requests.clear()
    CountedStore.answers.clear()
    return CountedStore
