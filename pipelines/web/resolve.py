"""Resolves host names with a time limit and a cache; replaceable in tests."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

LIFETIME_S = 300.0  # chosen: the system's own lookup gives no time to live
_MAX_CACHED = 100_000
_MAX_LOOKUPS = 32  # at once; a lookup that hangs keeps its thread until the system gives up

Resolver = Callable[[str, float], Sequence[str]]
"""`(host, timeout in seconds)` to all addresses; raises `socket.gaierror` or `TimeoutError`."""


class SystemResolver:
    """The system's `getaddrinfo` with a time limit and a cache."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_LOOKUPS, "resolve")
        self._lock = threading.Lock()
        self._cached: dict[str, tuple[float, list[str]]] = {}

    def __call__(self, host: str, timeout_s: float) -> list[str]:
        """All addresses of a host, in the system's order of preference.

        Raises:
            socket.gaierror: the name does not resolve.
            TimeoutError: no answer in time.
        """
        with self._lock:
            expires, addresses = self._cached.get(host, (0.0, []))
        if time.monotonic() < expires:
            return addresses
        addresses = self._threads.submit(_look_up, host).result(timeout_s)
        with self._lock:
            if len(self._cached) >= _MAX_CACHED:
                self._cached.clear()
            self._cached[host] = (time.monotonic() + LIFETIME_S, addresses)
        return addresses


def _look_up(host: str) -> list[str]:
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
