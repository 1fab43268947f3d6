import pytest

from pipelines.encode import by_shape
from pipelines.encode.by_shape import ByShape

WIDE, HIGH = (8, 16), (16, 8)


def waiting(*items: tuple[tuple[int, int], int], size: int = 3) -> ByShape[int]:
    found = ByShape[int](size)
    for shape, item in items:
        found.add(shape, item)
    return found


def test_batches_are_of_one_shape_and_full():
    found = waiting(*((shape, n) for n in range(4) for shape in (WIDE, HIGH)))
    assert list(found.full()) == [[0, 1, 2], [0, 1, 2]]
    assert list(found.full()) == []
    assert list(found.rest()) == [[3], [3]]
    assert list(found.rest()) == []


def test_of_one_shape_all_can_be_taken():
    found = waiting((WIDE, 1), (HIGH, 2), (WIDE, 3))
    assert list(found.rest((9, 9))) == []
    assert list(found.rest(WIDE)) == [[1, 3]]
    assert list(found.rest()) == [[2]]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_no_more_wait_than_some_batches_of_however_many_shapes(size):
    found, most, taken = ByShape[int](size), 0, 0
    for n in range(400):
        found.add((n * n % 37, 1), n)
        taken += sum(map(len, found.full()))
        most = max(most, n + 1 - taken)
    assert most <= by_shape._HELD * size
    assert taken + sum(map(len, found.rest())) == 400


def test_where_too_many_wait_the_fullest_batch_is_taken(monkeypatch):
    monkeypatch.setattr(by_shape, "_HELD", 1)
    found = waiting((WIDE, 0), (HIGH, 1), (HIGH, 2))
    assert list(found.full()) == [[1, 2]]
    assert list(found.rest()) == [[0]]
