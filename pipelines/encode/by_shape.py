"""What waits until it fills a batch, which is of one shape."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from dalle_model.cuts import Shape

# Batches that may wait in all, of however many shapes; chosen: of 256 px, 50 MB of pixels.
_HELD = 8

Item = TypeVar("Item")


class ByShape(Generic[Item]):
    """Items in the order in which they came, apart by shape.

    Args:
        size: items of a batch.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: dict[Shape, deque[Item]] = {}
        self._count = 0

    def add(self, shape: Shape, item: Item) -> None:
        """Let an item wait."""
        self._waiting.setdefault(shape, deque()).append(item)
        self._count += 1

    def full(self) -> Iterator[list[Item]]:
        """Batches that are full and, where very many items wait in all, the fullest ones."""
        while self._waiting:
            fullest = max(self._waiting, key=lambda shape: len(self._waiting[shape]))
            is_full = len(self._waiting[fullest]) >= self._size
            if not is_full and self._count < _HELD * self._size:
                return
            yield self._batch(fullest)

    def rest(self, shape: Shape | None = None) -> Iterator[list[Item]]:
        """All that waits, or all of one shape; of each, the last batch need not be full."""
        for one in list(self._waiting) if shape is None else [shape]:
            while self._waiting.get(one):
                yield self._batch(one)

    def _batch(self, shape: Shape) -> list[Item]:
        queue = self._waiting[shape]
        found = [queue.popleft() for _ in range(min(self._size, len(queue)))]
        self._count -= len(found)
        return found
