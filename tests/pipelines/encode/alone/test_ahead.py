import threading
from itertools import count, islice

import pytest

from pipelines.encode.alone.ahead import ahead


def names_of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_items_come_in_their_order_and_the_thread_ends():
    assert list(ahead(iter(range(100)), 3)) == list(range(100))
    assert list(ahead(iter([None, None]))) == [None, None]
    assert "ahead" not in names_of_threads()


def test_no_more_are_made_than_wait():
    made = []

    def making():
        for number in count():
            made.append(number)
            yield number

    items = ahead(making(), 2)
    assert list(islice(items, 5)) == [0, 1, 2, 3, 4]
    items.close()
    assert len(made) <= 5 + 2 + 1
    assert "ahead" not in names_of_threads()


def test_what_making_an_item_raises_is_raised_in_its_place():
    def making():
        yield 1
        raise OSError("the disk failed")

    items = ahead(making())
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk failed"):
        next(items)


def test_items_are_made_while_others_are_used():
    used = threading.Event()

    def making():
        yield 1
        assert used.wait(10)
        yield 2

    items = ahead(making())
    assert next(items) == 1
    used.set()
    assert next(items) == 2
