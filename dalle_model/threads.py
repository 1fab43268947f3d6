"""What decides the last bits of torch's results, inside a block: threads and kernels."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
from torch.utils import deterministic

_MEMORY: Any = deterministic  # whose setting is a property that type checkers do not see


@contextmanager
def torch_threads(number: int | None) -> Iterator[None]:
    """Set the number of torch threads inside the block; None leaves it unchanged.

    The number of threads determines the order of summation, and with it the last bits of results.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def pinned_kernels(threads: int = 1) -> Iterator[None]:
    """One torch thread, or another number, and deterministic kernels inside.

    Whether kernels are deterministic is one setting of the process, though threads may work side by
    side in it, as those of a Beam worker do. So it stays while any of them is in such a block, and
    what comes after the last one, such as a training, finds it as it was before the first.
    """
    _DETERMINISTIC.enter()
    try:
        with torch_threads(threads):
            yield
    finally:
        _DETERMINISTIC.leave()


class _Deterministic:
    """Turns deterministic kernels on for the first of those that need them, off after the last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._num_inside = 0
        self._before, self._filled = 0, False

    def enter(self) -> None:
        with self._lock:
            if not self._num_inside:
                self._before = torch.get_deterministic_debug_mode()
                self._filled = _MEMORY.fill_uninitialized_memory
                # Not `use_deterministic_algorithms`, which loads torch's compiler to tell it too:
                # 4 s of CPU time in each process, for what compiles nothing.
                torch.set_deterministic_debug_mode("error")
                # Else torch fills all memory that it takes, which convolutions overwrite at once.
                _MEMORY.fill_uninitialized_memory = False
            self._num_inside += 1

    def leave(self) -> None:
        with self._lock:
            self._num_inside -= 1
            if not self._num_inside:
                torch.set_deterministic_debug_mode(self._before)
                _MEMORY.fill_uninitialized_memory = self._filled


_DETERMINISTIC = _Deterministic()
