"""Asking a training to save its state and end, for who handles signals.

A training that is asked ends after the step that it is in. Where none is on, a signal has to end
the process by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class StoppedError(KeyboardInterrupt):
    """A training has ended before its last step because it was asked to; says where it is."""


class CutShortError(StoppedError):
    """Work that cannot go on was asked to stop: what there is of it is kept; says where."""


class _Asked:
    """What is asked of the training of this process."""

    is_on = False
    to_stop = False


def ask_to_stop() -> bool:
    """Ask the training of this process to end; False where none is on. Safe in a signal handler."""
    _Asked.to_stop = _Asked.is_on
    return _Asked.is_on


def is_asked() -> bool:
    """Whether a training is on that was asked to."""
    return _Asked.to_stop


@contextmanager
def stoppable() -> Iterator[None]:
    """A block in which a training looks after each step at whether it is asked to end."""
    _Asked.is_on, _Asked.to_stop = True, False
    try:
        yield
    finally:
        _Asked.is_on = _Asked.to_stop = False
