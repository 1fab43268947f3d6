import threading

import pytest

from dalle_model.at_once import at_once


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_results_come_in_the_order_of_the_items(count):
    assert list(at_once(lambda n: n * n, range(count), 3)) == [n * n for n in range(count)]


def test_the_work_is_under_way_at_once():
    both = threading.Barrier(2, timeout=10)  # breaks unless two threads meet
    assert len(list(at_once(lambda _: both.wait(), range(2), 2))) == 2


def test_an_error_is_raised_where_its_result_is_due():
    results = at_once(lambda n: 1 // n, [1, 1, 0, 1], 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        list(results)


def test_items_are_handed_out_no_faster_than_results_are_taken():
    taken: list[int] = []
    results = at_once(taken.append, range(100_000), 2)
    next(results)
    results.close()
    assert len(taken) < 1_000


def test_of_large_items_few_wait():
    taken: list[int] = []
    results = at_once(taken.append, range(1000), 2, most_each=1)
    next(results)
    results.close()
    assert len(taken) <= 2 * 2 + 2
