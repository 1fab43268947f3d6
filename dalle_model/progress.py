"""The callback through which training and sampling report progress."""

from collections.abc import Mapping
from typing import Protocol


class OnStep(Protocol):
    """Called after each step of training or sampling.

    Args:
        done: steps or images so far.
        total: steps or images in all.
        metrics: of this step, such as its loss; empty for sampling.
    """

    def __call__(self, done: int, total: int, metrics: Mapping[str, float], /) -> None: ...


def ignore_steps(_done: int, _total: int, _metrics: Mapping[str, float], /) -> None:
    """An `OnStep` for callers who do not follow progress."""
