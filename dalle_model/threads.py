"""The number of torch threads inside a block."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
