"""What the processes of a training, its ranks, do together beside its steps."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed as dist
from torch.distributed import ProcessGroup

T = TypeVar("T")


def number_of_ranks() -> int:
    """How many processes train."""
    return dist.get_world_size() if dist.is_initialized() else 1


def group_of_all(timeout: timedelta | None = None) -> ProcessGroup | None:
    """A gloo group of all ranks, apart from the one of the steps; None in a single process.

    What goes on in it beside the steps, in another thread, does not mix with their messages. All
    ranks make it at the same time.

    Args:
        timeout: after which a rank no longer waits for another one; None for torch's, half an hour.
    """
    if not dist.is_initialized():
        return None
    group = dist.new_group(backend="gloo", timeout=timeout)
    assert isinstance(group, ProcessGroup)  # of which this process is one
    return group


def rank_in(group: ProcessGroup | None) -> int:
    """The number of this process, from 0."""
    return dist.get_rank(group) if group is not None else 0


def number_of(group: ProcessGroup | None) -> int:
    """How many processes there are."""
    return dist.get_world_size(group) if group is not None else 1


def on_each(group: ProcessGroup | None, work: Callable[[], T]) -> list[T]:
    """What work returns on each rank, by rank; an error of one is raised on all."""
    mine: tuple[T | None, Exception | None]
    try:
        mine = work(), None
    except Exception as error:  # noqa: BLE001 - raised below, on all
        mine = None, error
    of_all: list[Any] = [mine]
    if group is not None:
        of_all = [None] * number_of(group)
        dist.all_gather_object(of_all, mine, group)
    for _, failed in of_all:
        if failed is not None:
            raise failed
    return [value for value, _ in of_all]


def on_first(group: ProcessGroup | None, work: Callable[[], T]) -> T:
    """What work returns on rank 0, which alone does it; an error is raised on all."""
    return on_each(group, lambda: work() if rank_in(group) == 0 else None)[0]  # type: ignore[return-value]
