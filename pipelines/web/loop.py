"""The event loop of this process: one thread of it serves all clients.

All that clients share (turns on hosts, caches of origins, connections) is touched by this thread
alone and needs no locks. Callers in other threads hand work over and wait.
"""

import asyncio
import functools
import os
import resource
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_OPEN_FILES = 16_384  # chosen: 4,096 connections in use, and those at rest for some seconds
_STARTING = threading.Lock()

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do work in the loop while this thread waits; an interrupt of the wait cancels it.

    Raises:
        Exception: what the work raises.
    """
    future = asyncio.run_coroutine_threadsafe(work, _running_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _running_loop() -> asyncio.AbstractEventLoop:
    with _STARTING:  # two threads may be the first
        return _start_loop()


@functools.cache
def _start_loop() -> asyncio.AbstractEventLoop:
    _allow_open_files()
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="web", daemon=True).start()
    return loop


def _allow_open_files() -> None:
    """Let this process open as many files as it may: connections at rest are open as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


os.register_at_fork(after_in_child=_start_loop.cache_clear)  # threads do not survive a fork
