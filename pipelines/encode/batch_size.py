"""How many images are encoded at once, where that may change: found by measuring, on real work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_TURNS = 3  # of a size, of which the fastest counts; chosen: the first one also makes kernels ready
_GAIN = 1.03  # chosen: a larger batch takes more memory, so that it must be faster than noise


class BatchSize:
    """Begins at one image, and is doubled while that makes more images a second.

    Seconds are those of the thread on a processor, in which the model runs: on a busy machine a
    larger batch is interrupted where a smaller one is not, and would look slower than it is.

    Args:
        largest: allowed.
        is_fixed: whether it stays at the largest.

    Attributes:
        now: how many images to encode at once.
    """

    def __init__(self, largest: int, *, is_fixed: bool = False) -> None:
        self._largest = largest
        self.now = largest if is_fixed else 1
        self._is_found = is_fixed
        self._turns: list[float] = []
        self._best, self._best_rate = self.now, 0.0

    @contextmanager
    def timed(self, count: int) -> Iterator[None]:
        """The encoding of some images, whose seconds count if it succeeds."""
        start = time.thread_time()
        yield
        self.took(count, time.thread_time() - start)

    def took(self, count: int, seconds: float) -> None:
        """Learn how long some images took; other numbers of them than `now` do not count."""
        if self._is_found or count != self.now:
            return
        self._turns.append(seconds)
        if len(self._turns) < _TURNS:
            return
        rate = count / max(min(self._turns), 1e-9)
        self._turns = []
        if rate < self._best_rate * _GAIN:
            self.now, self._is_found = self._best, True
            return
        self._best, self._best_rate = count, rate
        self.now = min(2 * count, self._largest)
        self._is_found = self.now == count

    def lower_to(self, largest: int) -> None:
        """Never encode more at once from now on."""
        self._largest = min(self._largest, largest)
        self.now, self._best = min(self.now, largest), min(self._best, largest)
        self._is_found = True
