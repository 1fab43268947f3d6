"""An object store in memory that counts requests as S3 does: a listing gives 1,000 names.

Source: Amazon S3 API reference, ListObjectsV2 (`MaxKeys`) and DeleteObjects: 1,000 keys a request.
"""

from collections import Counter
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

PROTOCOL = "counted"
KEYS_A_REQUEST = 1000


class CountedStore(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """`counted://...`; `requests` holds how many of each kind were sent."""

    protocol = PROTOCOL
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    requests: ClassVar[Counter[str]] = Counter()

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        found: list[Any] = super().ls(path, detail=detail, **options)
        self.requests["LIST"] += max(1, -(-len(found) // KEYS_A_REQUEST))
        return found

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        self.requests["HEAD"] += 1
        entry = self.store.get(self._strip_protocol(path))
        if entry is None:
            raise FileNotFoundError(path)
        return {"name": path, "size": len(entry.getvalue()), "type": "file"}

    def exists(self, path: str, **options: Any) -> bool:
        self.requests["HEAD"] += 1
        return self._strip_protocol(path) in self.store

    def cat_file(self, path: str, start: Any = None, end: Any = None, **options: Any) -> bytes:
        self.requests["GET"] += 1
        entry = self.store.get(self._strip_protocol(path))
        if entry is None:
            raise FileNotFoundError(path)
        return bytes(entry.getvalue()[start:end])

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


def counted_store() -> type[CountedStore]:
    """The store, empty, with nothing counted."""
    fsspec.register_implementation(PROTOCOL, CountedStore, clobber=True)
    CountedStore.store.clear()
    CountedStore.requests.clear()
    return CountedStore
