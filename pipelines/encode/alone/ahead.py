"""Things made ahead of their use, in a thread: images are decoded while others are encoded."""

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

AHEAD = 2  # chosen: one is made while one waits; of 64 images of 256 px, 13 MB each
_LOOK_S = 0.1  # between two looks whether what is made is still wanted; chosen: no one notices

Item = TypeVar("Item")


def ahead(items: Iterator[Item], most: int = AHEAD) -> Generator[Item]:
    """The same items in the same order; what making them raises is raised here, in its place.

    Args:
        items: made by a thread of their own from the first use on; it ends with this iterator.
        most: that wait at any time.
    """
    waiting: Queue[tuple[str, Item | None, BaseException | None]] = Queue(most)
    unwanted = Event()
    thread = Thread(target=_make, args=(items, waiting, unwanted), name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            what, item, error = waiting.get()
            if error is not None:
                raise error
            if what == "end":
                return
            yield item  # type: ignore[misc]  # an item may itself be None
    finally:
        unwanted.set()
        thread.join()


def _make(items: Iterator[Item], waiting: Queue, unwanted: Event) -> None:  # type: ignore[type-arg]
    try:
        for item in items:
            if not _put(waiting, ("item", item, None), unwanted):
                return
        _put(waiting, ("end", None, None), unwanted)
    except BaseException as error:  # noqa: BLE001 - handed to the thread that asked for the items
        _put(waiting, ("end", None, error), unwanted)


def _put(waiting: Queue, entry: object, unwanted: Event) -> bool:  # type: ignore[type-arg]
    while not unwanted.is_set():
        try:
            waiting.put(entry, timeout=_LOOK_S)
        except Full:
            continue
        return True
    return False
