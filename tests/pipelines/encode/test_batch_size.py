import pytest

from pipelines.encode.batch_size import BatchSize


def learn(size: BatchSize, seconds, turns: int = 100) -> list[int]:
    """Sizes in the order in which they were tried, where an image takes `seconds` of a size."""
    tried: list[int] = []
    for _ in range(turns):
        if not tried or tried[-1] != size.now:
            tried.append(size.now)
        size.took(size.now, seconds(size.now) * size.now)
    return tried


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (lambda size: 1 / size, [1, 2, 4, 8, 16, 20]),  # to the largest
        (lambda size: 1, [1, 2, 1]),  # no gain
        (lambda size: 1 / min(size, 4), [1, 2, 4, 8, 4]),  # up to four
        (lambda size: 1 if size < 4 else 2, [1, 2, 1]),
    ],
)
def test_it_is_doubled_while_images_get_cheaper(seconds, expected):
    size = BatchSize(20)
    assert learn(size, seconds) == expected
    assert size.now == expected[-1]


def test_the_fastest_of_three_turns_counts():
    size = BatchSize(8)
    for seconds in (9.0, 1.0, 5.0):
        assert size.now == 1
        size.took(1, seconds)
    for seconds in (9.0, 9.0, 1.0):
        assert size.now == 2
        size.took(2, seconds)
    assert size.now == 4


def test_other_numbers_of_images_teach_nothing():
    size = BatchSize(8)
    for _ in range(10):
        size.took(3, 1.0)
    assert size.now == 1


def test_a_fixed_size_stays():
    size = BatchSize(8, is_fixed=True)
    assert learn(size, lambda size: 1) == [8]


def test_once_lowered_it_never_rises():
    size = BatchSize(64)
    for _ in range(9):
        size.took(size.now, 1.0)
    assert size.now == 8
    size.lower_to(4)
    assert learn(size, lambda size: 1 / size) == [4]


def test_what_fails_takes_no_time():
    size = BatchSize(8)
    for _ in range(5):
        with pytest.raises(KeyError), size.timed(1):
            raise KeyError
    assert size.now == 1
    for _ in range(3):
        with size.timed(1):
            pass
    assert size.now == 2
