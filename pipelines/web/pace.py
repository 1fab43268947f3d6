"""Per-host rate limits, shared by all clients of this process."""

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MAX_DELAY_S = (
    30.0  # Source: Nutch `fetcher.max.crawl.delay`, StormCrawler `fetcher.max.crawl.delay`
)

_TIDY_HOSTS = 10_000  # known at once before those at rest are forgotten; chosen: 10 MB


@dataclass(frozen=True)
class PaceSettings:
    """Limits for one host.

    Args:
        concurrency: requests at once.
        delay_s: least time between the end of a request and the start of the next, in seconds.
            However long a request took, the server never sees a shorter one.
        num_workers: worker processes that may all ask a host that is not theirs, as a redirect
            makes them. Each takes its share there, but may always have one request open.
    """

    concurrency: int
    delay_s: float = 0.0
    num_workers: int = 1


@dataclass
class _Host:
    slots: asyncio.Semaphore
    guest_slots: asyncio.Semaphore
    active: int = 0  # that wait or are at work
    next_start: float = 0.0
    last: float = -math.inf  # when a request began or ended


class Pace:
    """Turns on hosts; used in one event loop."""

    def __init__(self, settings: PaceSettings) -> None:
        self._settings = settings
        self._guests = max(1, settings.concurrency // settings.num_workers)
        self._longest_delay_s = max(settings.delay_s, MAX_DELAY_S) * settings.num_workers
        self._hosts: dict[str, _Host] = {}
        self._next_tidy = _TIDY_HOSTS

    @asynccontextmanager
    async def turn(
        self, host: str, delay_s: float = 0.0, *, is_guest: bool = False
    ) -> AsyncIterator[None]:
        """Wait until the host may be asked again, and keep others within the limits meanwhile.

        Args:
            host: its name.
            delay_s: what the host itself requests, in seconds; the longer delay applies.
            is_guest: whether the host may be another worker's, so that this one takes its share.
        """
        delay_s = max(delay_s, self._settings.delay_s)
        state = self._state(host)
        state.active += 1
        try:
            async with AsyncExitStack() as turns:
                if is_guest:
                    delay_s *= self._settings.num_workers
                    await turns.enter_async_context(state.guest_slots)
                await turns.enter_async_context(state.slots)
                await self._wait(state, delay_s)
                try:
                    yield
                finally:
                    state.last = time.monotonic()
                    state.next_start = max(state.next_start, state.last + delay_s)
        finally:
            state.active -= 1

    async def rest(self, host: str) -> None:
        """Wait until the host may be asked again, by this process or another."""
        await asyncio.sleep(max(self._state(host).next_start - time.monotonic(), 0.0))

    def hold(self, host: str, seconds: float) -> None:
        """Start no request to a host for some seconds, at most `MAX_DELAY_S`."""
        state = self._state(host)
        until = time.monotonic() + min(max(seconds, 0.0), MAX_DELAY_S)
        state.next_start = max(state.next_start, until)

    async def _wait(self, state: _Host, delay_s: float) -> None:
        """Wait for the start of a request, which others that wait may put off."""
        while True:
            now = time.monotonic()
            # this request may know of a longer delay than the last one, or the reverse
            start = max(state.next_start, state.last + delay_s)
            if now >= start:
                state.last, state.next_start = now, now + delay_s
                return
            await asyncio.sleep(start - now)

    def _state(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= self._next_tidy:
                self._tidy()
            slots = asyncio.Semaphore(self._settings.concurrency)
            self._hosts[host] = _Host(slots, asyncio.Semaphore(self._guests))
        return self._hosts[host]

    def _tidy(self) -> None:
        """Forget the hosts that could make nobody wait any more."""
        rested = time.monotonic() - self._longest_delay_s
        self._hosts = {
            host: state
            for host, state in self._hosts.items()
            if state.active or max(state.last, state.next_start) > rested
        }
        self._next_tidy = max(_TIDY_HOSTS, 2 * len(self._hosts))


def site_of(host: str) -> str:
    """The name of the site that a host is: a host with and one without `www.` are one.

    Redirects between these two are the most frequent. What else the owner of a domain has stays
    apart, as its limits do: the limits are those of a host, and a platform may have a host for each
    of its users.
    """
    return host.removeprefix("www.")


_SHARED: dict[PaceSettings, Pace] = {}  # never evicted: a new one would forget when to wait
_SHARED_LOCK = threading.Lock()


def shared_pace(settings: PaceSettings) -> Pace:
    """The one `Pace` of this process for these settings, for as long as the process runs."""
    with _SHARED_LOCK:
        return _SHARED.setdefault(settings, Pace(settings))


def retry_after_s(headers: Sequence[tuple[str, str]], now: float) -> float | None:
    """Seconds that a Retry-After header asks for; None where there is none, or an invalid one.

    Args:
        headers: names and values.
        now: seconds since the epoch, for a header that is a date.

    Source: RFC 9110, section 10.2.3.
    """
    value = next((v.strip() for n, v in headers if n.lower() == "retry-after"), "")
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
