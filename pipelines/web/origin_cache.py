"""Caches a fact about each origin, fetched once, by whoever asks first."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pipelines.web.urls import origin

MAX_ORIGINS = 20_000  # cached at once; chosen: a few kB each

T = TypeVar("T")


def _forever(_: object) -> float:
    return math.inf


class OriginCache(Generic[T]):
    """A cache of one fact about each origin; used in one event loop.

    Args:
        fetch: fetches the fact, given the origin. Exceptions are not cached.
        lifetime_s: how long an answer holds, in seconds.
    """

    def __init__(
        self, fetch: Callable[[str], Awaitable[T]], lifetime_s: Callable[[T], float] = _forever
    ) -> None:
        self._fetch, self._lifetime_s = fetch, lifetime_s
        self._known: dict[str, tuple[float, asyncio.Future[T]]] = {}

    async def of(self, url: str) -> T:
        """What is known about the origin of a canonical URL.

        Whoever gives up waiting leaves the fetch to the others.
        """
        key, now = origin(url), time.monotonic()
        began, fact = self._known.get(key, (now, None))
        if fact is None or self._is_stale(fact, now - began):
            fact = self._ask(key, now)
        return fact.result() if fact.done() else await asyncio.shield(fact)

    def _ask(self, key: str, now: float) -> asyncio.Future[T]:
        if len(self._known) >= MAX_ORIGINS:
            del self._known[next(iter(self._known))]  # the oldest; who waits for it still gets it
        fact = asyncio.ensure_future(self._fetch(key))
        self._known[key] = (now, fact)
        return fact

    def _is_stale(self, fact: asyncio.Future[T], age_s: float) -> bool:
        if not fact.done():
            return False
        return _has_failed(fact) or age_s > self._lifetime_s(fact.result())


def _has_failed(fact: asyncio.Future[T]) -> bool:
    return fact.cancelled() or fact.exception() is not None
