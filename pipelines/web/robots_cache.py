"""The robots.txt of every origin asked so far, each fetched once, whoever asks first."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from pipelines.web.failures import FetchFailure
from pipelines.web.robots import Robots, robots_of
from pipelines.web.urls import origin

MAX_ORIGINS = 20_000  # remembered at once; chosen: a few kB each
LIFETIME_S = 24 * 3600.0  # Source: RFC 9309, section 2.4
UNREACHABLE_LIFETIME_S = 3600.0  # chosen: an outage should not close a host for a day


class RobotsCache:
    """A memory of robots; one object for all threads.

    Args:
        fetch: gets the body of a robots.txt URL.
        token: the product token of this crawler.
    """

    def __init__(self, fetch: Callable[[str], bytes | FetchFailure], token: str) -> None:
        self._fetch, self._token = fetch, token
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Future[Robots]]] = {}

    def of(self, url: str) -> Robots:
        """The robots that speak for a canonical URL."""
        key, now = origin(url), time.monotonic()
        with self._lock:
            asked, future = self._known.get(key, (now, None))
            is_mine = future is None or _is_stale(future, now - asked)
            if is_mine or future is None:
                future = self._remember(key, now)
        if is_mine:
            self._fill(future, key)
        return future.result()

    def _remember(self, key: str, now: float) -> Future[Robots]:
        if len(self._known) >= MAX_ORIGINS:
            del self._known[next(iter(self._known))]  # the oldest; who waits for it still gets it
        future: Future[Robots] = Future()
        self._known[key] = (now, future)
        return future

    def _fill(self, future: Future[Robots], key: str) -> None:
        try:
            future.set_result(robots_of(self._fetch(f"{key}/robots.txt"), self._token))
        except BaseException as error:
            with self._lock:
                self._known.pop(key, None)
            future.set_exception(error)
            raise


def _is_stale(future: Future[Robots], age_s: float) -> bool:
    if not future.done():
        return False
    return age_s > (UNREACHABLE_LIFETIME_S if future.result().closed_by else LIFETIME_S)
