"""The same work on many files at once, which on an object store is mostly waiting."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

READERS = 32  # chosen: where a store answers in 25 ms, less than 1 ms a file
_BATCH = 64  # items; chosen: to hand over one costs as much as a read

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    threads: int = READERS,
    most_each: int = _BATCH,
) -> Generator[Result]:
    """The result of each item, in their order; few batches are under way at any time.

    Args:
        work: safe to be called from several threads; what it raises is raised here.
        items: any number.
        threads: at most so many at once.
        most_each: items that a thread takes at a time, at most; two batches of each thread wait.
    """
    size = max(1, min(most_each, len(items) // threads))
    batches = (items[start : start + size] for start in range(0, len(items), size))
    waiting: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(threads, "at-once") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(_each, work, batch))
                if len(waiting) > 2 * threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _each(work: Callable[[Item], Result], batch: Sequence[Item]) -> list[Result]:
    return [work(item) for item in batch]
