"""How many threads torch may use, for as long as a block runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(number: int | None) -> Iterator[None]:
    """Pin torch's threads inside the block; None leaves them as they are.

    The number of threads decides the order of sums, and so the last bits of every result.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
