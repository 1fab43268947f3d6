"""Rows of earlier results of a stage, whose work need not be done again.

The engine says in the task which results those are: of the same work on a row. A stage says what
makes a row the same, such as the checksum of its bytes. What cannot be read is done again.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shards import image_of
from pipelines.io import parquet
from pipelines.io.parquet import UnreadableShardError, rows_of
from pipelines.io.task import StageTask

Row = dict[str, Any]


class EarlierRows:
    """The earlier rows of one shard by their image, which is asked for in the order of the keys.

    No more than a row group of each earlier result is held.

    Args:
        task: of the stage.
        index: of the shard.
        columns: that are needed beside the key.
        if_there: that are read of those results which have them.
    """

    def __init__(
        self, task: StageTask, index: int, columns: Sequence[str], if_there: Sequence[str] = ()
    ) -> None:
        urls = [folder.part(index) for folder in task.earlier_results]
        names = ["key", *columns]
        self._results = [_Rows(url, [*names, *_there(url, if_there)]) for url in urls]

    def find(self, image: str, is_same: Callable[[Row], bool] = lambda _: True) -> Row | None:
        """The first earlier row of an image that is the same; None where there is none.

        Args:
            image: its part of a key, no smaller than the one before.
            is_same: whether the work on an earlier row is that which is to be done.
        """
        return next(iter(self.find_all(image, is_same)), None)

    def find_all(self, image: str, is_same: Callable[[Row], bool] = lambda _: True) -> list[Row]:
        """The rows of an image's first key, in the first result where all are the same.

        Args:
            image: as of `find`.
            is_same: likewise.

        Returns:
            Several where each is a view of it; none where no result has it. Of a shard that is
            damaged behind them, some may be missing.
        """
        found = (result.find(image) for result in self._results)
        return next((rows for rows in found if rows and all(map(is_same, rows))), [])


class _Rows:
    """The rows of one shard, in order."""

    def __init__(self, url: str, names: list[str]) -> None:
        self._tables = readable_row_groups(url, names)
        self._table: pa.Table | None = None
        self._images: list[str] = []
        self._last: tuple[str, list[Row]] = "", []
        self._advance()

    def find(self, image: str) -> list[Row]:
        if self._last[0] == image:  # a part of its rows may be behind us
            return self._last[1]
        while self._table is not None and (not self._images or self._images[-1] < image):
            self._advance()
        self._last = image, list(self._of_first_key(image))
        return self._last[1]

    def _of_first_key(self, image: str) -> Iterator[Row]:
        place, key = bisect_left(self._images, image), ""
        while self._table is not None:
            for row in rows_of(self._table.slice(place)):
                key = key or row["key"]
                if image_of(row["key"]) != image or row["key"] != key:
                    return
                yield row
            self._advance()
            place = 0

    def _advance(self) -> None:
        self._table = next(self._tables, None)
        keys = [] if self._table is None else self._table["key"].to_pylist()
        self._images = [image_of(key) for key in keys]


def images_with(task: StageTask, index: int, column: str) -> set[str]:
    """The images of which an earlier result has a value in a column.

    The column is read whole, by which its checksums are verified before anything relies on it.
    """
    found: set[str] = set()
    for folder in task.earlier_results:
        for table in readable_row_groups(folder.part(index), ["key", column]):
            keys = table["key"].filter(pc.is_valid(table[column]))
            found.update(map(image_of, keys.to_pylist()))
    return found


def _there(url: str, columns: Sequence[str]) -> list[str]:
    """Those of some columns that a shard has; none of one that cannot be read."""
    if not columns:
        return []
    try:
        known = parquet.read_schema(url).names
    except UnreadableShardError:
        return []
    return [name for name in columns if name in known]


def readable_row_groups(url: str, columns: list[str]) -> Iterator[pa.Table]:
    """The row groups of a shard up to the first that cannot be read."""
    try:
        yield from parquet.read_row_groups(url, columns)
    except UnreadableShardError:
        return
