"""robots.txt after RFC 9309: what was found, what that allows, and a memory for each origin."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from protego import Protego

from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.pace import MAX_DELAY_S
from pipelines.web.urls import origin

MAX_ROBOTS_BYTES = 500 * 1024  # Source: RFC 9309, section 2.5: the least that must be parsed
MAX_ROBOTS_REDIRECTS = 5  # Source: RFC 9309, section 2.3.1.2
LIFETIME_S = 24 * 3600.0  # Source: RFC 9309, section 2.4
MAX_ORIGINS = 20_000  # remembered at once; chosen: a few kB each
UNREACHABLE_LIFETIME_S = 3600.0  # chosen: an outage should not close a host for a day

# "Unavailable": everything may be fetched. All else means "unreachable": nothing may.
# Source: RFC 9309, sections 2.3.1.2 to 2.3.1.4.
_UNAVAILABLE = frozenset(
    {
        Reason.NOT_FOUND,
        Reason.CLIENT_ERROR,
        Reason.RATE_LIMITED,
        Reason.TOO_MANY_REDIRECTS,
        Reason.EMPTY_BODY,
    }
)


# Failures that would meet every other URL of the origin too: they keep their own name.
_OF_THE_ORIGIN = frozenset(
    {Reason.ADDRESS_REFUSED, Reason.HOST_UNKNOWN, Reason.CERTIFICATE_REFUSED}
)


@dataclass(frozen=True)
class Robots:
    """What an origin allows one crawler.

    Args:
        rules: as parsed; None where nothing was there to parse.
        closed_by: the failure to reach them that closes the whole origin.
    """

    rules: Protego | None = None
    closed_by: FetchFailure | None = None

    def refusal(self, url: str, token: str) -> FetchFailure | None:
        """Why a crawler of this product token may not fetch a URL; None where it may."""
        if self.closed_by is not None:
            return self.closed_by
        if self.rules is not None and not self.rules.can_fetch(url, token):
            return FetchFailure(Reason.ROBOTS_DISALLOWED, url)
        return None

    def delay_s(self, token: str) -> float:
        """The Crawl-delay in seconds, at most `MAX_DELAY_S`; not in the RFC, but asked for."""
        delay = self.rules.crawl_delay(token) if self.rules is not None else None
        return min(max(delay or 0.0, 0.0), MAX_DELAY_S)


def robots_of(found: bytes | FetchFailure) -> Robots:
    """What follows from a body, or from the failure to get one."""
    if not isinstance(found, FetchFailure):
        return Robots(parse_robots(found))
    if found.reason in _UNAVAILABLE:
        return Robots()
    if found.reason in _OF_THE_ORIGIN:
        return Robots(closed_by=found)
    return Robots(
        closed_by=FetchFailure(
            Reason.ROBOTS_UNREACHABLE,
            f"{found.reason} {found.detail}",
            found.measured,
            found.threshold,
        )
    )


def parse_robots(body: bytes) -> Protego:
    """Rules of a robots.txt; a byte-order mark and bytes that are no UTF-8 are survived.

    Args:
        body: at most `MAX_ROBOTS_BYTES` are read, and no line that they cut in two.
    """
    if len(body) > MAX_ROBOTS_BYTES:
        body = body[:MAX_ROBOTS_BYTES].rpartition(b"\n")[0]
    return Protego.parse(body.decode("utf-8-sig", errors="replace").replace("\x00", ""))


class RobotsCache:
    """The robots of every origin asked so far; each is fetched once, whoever asks first.

    Args:
        fetch: gets the body of a robots.txt URL.
    """

    def __init__(self, fetch: Callable[[str], bytes | FetchFailure]) -> None:
        self._fetch = fetch
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
            future.set_result(robots_of(self._fetch(f"{key}/robots.txt")))
        except BaseException as error:
            with self._lock:
                self._known.pop(key, None)
            future.set_exception(error)
            raise


def _is_stale(future: Future[Robots], age_s: float) -> bool:
    if not future.done():
        return False
    return age_s > (UNREACHABLE_LIFETIME_S if future.result().closed_by else LIFETIME_S)
