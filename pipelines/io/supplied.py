"""The bytes of images that came with their source: the candidates alone hold them, once an image.

Later stages know an image by the SHA-256 in their own rows, and read its bytes here, from the shard
of candidates with the same number, while they go through their rows.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from dalle_model.shards import image_of
from pipelines.io.parquet import UnreadableShardError, read_row_groups, rows_of

Row = dict[str, Any]
_COLUMNS = ["key", "sha256", "encoded"]


def held_once(rows: list[Row]) -> list[Row]:
    """Rows by key, of which only the first with the same bytes of an image holds them.

    Args:
        rows: candidates with `key`, `sha256` and `encoded`; changed in place.
    """
    rows.sort(key=lambda row: str(row["key"]))
    image, held = "", set[str]()
    for row in rows:
        if image_of(row["key"]) != image:
            image, held = image_of(row["key"]), set()
        if row["encoded"] is not None:
            if row["sha256"] in held:
                row["encoded"] = None
            held.add(row["sha256"])
    return rows


class SuppliedImages:
    """The bytes in a shard of candidates, for keys that ascend.

    No more than a row group and the bytes of one image are held, and nothing is read before the
    first key: most shards hold no bytes.

    Args:
        url: of the shard.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._rows = self._holding()
        self._next: Row | None = {"key": ""}  # before the first
        self._image, self._held = "", dict[str, bytes]()

    def read(self, key: str, sha256: str) -> bytes:
        """The bytes of a row's image.

        Args:
            key: of the row; not of an image before that of the last call.
            sha256: of the bytes.

        Raises:
            UnreadableShardError: the shard is missing or corrupt, or of another crawl than the row.
        """
        if image_of(key) != self._image:
            self._image, self._held = image_of(key), {}
            self._go_to(self._image)
        if sha256 not in self._held:
            raise UnreadableShardError(
                f"{self._url} has no bytes with the SHA-256 {sha256[:12]} for {key}, since it is "
                "another one than the rows after it were made of; `dalle run` makes those again"
            )
        return self._held[sha256]

    def _go_to(self, image: str) -> None:
        """Pass all rows up to those of an image, and hold what these have."""
        while self._next is not None and image_of(self._next["key"]) <= image:
            if image_of(self._next["key"]) == image:
                self._held[self._next["sha256"]] = self._next["encoded"]
            self._next = next(self._rows, None)

    def _holding(self) -> Iterator[Row]:
        for table in read_row_groups(self._url, _COLUMNS):
            yield from rows_of(table.filter(pc.is_valid(table["encoded"])))
