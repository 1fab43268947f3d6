"""CPU seconds of this process and of all that it started, whether they live or have ended."""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Collection
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # Source: Linux, include/uapi/linux/prctl.h
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 10.0  # chosen: a worker that has lost its parent ends within a second


def cpu_seconds(others: Collection[int] = ()) -> float:
    """Of this process, of its descendants that are alive, and of those that were waited for.

    Args:
        others: living descendants that do not count.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time() + ended.ru_utime + ended.ru_stime
    return own + sum(_seconds_of(pid) for pid in set(descendants("self")) - set(others))


def descendants(pid: str | int) -> list[int]:
    """Processes below a process, as Linux lists them."""
    below = _children(pid)
    return [*below, *(further for child in below for further in descendants(child))]


def _children(pid: str | int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return [int(child) for path in lists for child in path.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has just ended


def adopt_orphans() -> None:
    """From now on, a process whose parent ends becomes a child of this one."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans(known: set[int]) -> None:
    """Wait for children that are not known; they are killed where they do not end by themselves."""
    deadline = time.monotonic() + _PATIENCE_S
    while ended := set(_children("self")) - known:
        pid = min(ended)
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def _seconds_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS  # user and system, own and of ended children
