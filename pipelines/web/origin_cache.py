"""Caches a fact about each origin, fetched once, by whichever thread asks first."""

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from pipelines.web.urls import origin

MAX_ORIGINS = 20_000  # cached at once; chosen: a few kB each

T = TypeVar("T")


def _forever(_: object) -> float:
    return math.inf


class OriginCache(Generic[T]):
    """A cache of one fact about each origin; one object for all threads.

    Args:
        fetch: fetches the fact, given the origin. Exceptions are not cached.
        lifetime_s: how long an answer holds, in seconds.
    """

    def __init__(
        self, fetch: Callable[[str], T], lifetime_s: Callable[[T], float] = _forever
    ) -> None:
        self._fetch, self._lifetime_s = fetch, lifetime_s
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Future[T]]] = {}

    def of(self, url: str) -> T:
        """What is known about the origin of a canonical URL."""
        key, now = origin(url), time.monotonic()
        with self._lock:
            began, future = self._known.get(key, (now, None))
            is_mine = future is None or self._is_stale(future, now - began)
            if is_mine or future is None:
                future = self._remember(key, now)
        if is_mine:
            self._fill(future, key)
        return future.result()

    def _remember(self, key: str, now: float) -> Future[T]:
        if len(self._known) >= MAX_ORIGINS:
            del self._known[
                next(iter(self._known))
            ]  # the oldest; threads that wait for it still get it
        future: Future[T] = Future()
        self._known[key] = (now, future)
        return future

    def _fill(self, future: Future[T], key: str) -> None:
        try:
            future.set_result(self._fetch(key))
        except BaseException as error:
            with self._lock:
                self._known.pop(key, None)
            future.set_exception(error)
            raise

    def _is_stale(self, future: Future[T], age_s: float) -> bool:
        return future.done() and age_s > self._lifetime_s(future.result())
