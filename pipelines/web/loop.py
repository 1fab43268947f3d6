"""The event loop of this process: one thread of it serves all clients.

All that clients share (turns on hosts, caches of origins, connections) is touched by this thread
alone and needs no locks. Callers in other threads hand work over and wait.
"""

import asyncio
import functools
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

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


@functools.cache
def _running_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="web", daemon=True).start()
    return loop


os.register_at_fork(after_in_child=_running_loop.cache_clear)  # threads do not survive a fork
