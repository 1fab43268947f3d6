"""The walls around a downloader that is not ours: which URLs and addresses it may ask for."""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pipelines.web.addresses import LoopbackAllowance, is_web_port
from pipelines.web.connect import check_addresses
from pipelines.web.failures import FetchError, FetchFailure, Reason
from pipelines.web.fetcher import checked_url
from pipelines.web.optout import opt_out
from pipelines.web.resolve import is_unknown, look_up
from pipelines.web.robots import Robots
from pipelines.web.settings import HttpSettings

_MAX_TRIED = 4  # addresses of one host; chosen: two of each family
_MAX_LOOKUPS = 128  # at once; a lookup that hangs keeps its thread until the system gives up

Resolver = Callable[[str, float], Sequence[str]]
"""`(host, timeout in seconds)` to all addresses; raises `OSError`, also where time is over."""


class RefusedError(Exception):
    """A wall was met; the downloader takes it for any error of the network."""

    def __init__(self, failure: FetchFailure) -> None:
        super().__init__(f"{failure.reason}: {failure.detail}")
        self.failure = failure


class Lookups:
    """The system's lookup with a time limit; each connection has one, as with urllib."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_LOOKUPS, "resolve")

    def __call__(self, host: str, timeout_s: float) -> Sequence[str]:
        """All addresses of a host; raises `socket.gaierror` or `TimeoutError`."""
        return self._threads.submit(look_up, host).result(timeout_s)


class Starts:
    """When the next attempt at each host may start; one object a process, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait(self, host: str, delay_s: float) -> None:
        """Wait for a start that is at least `delay_s` seconds after the one before it."""
        if delay_s <= 0:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next.get(host, now))
            self._next[host] = start + delay_s
        time.sleep(start - now)


class Walls:
    """What all requests of a process have in common; one object for all threads.

    Args:
        settings: limits and policy.
        robots: what the origin of a canonical URL allows.
        resolver: gives all addresses of a name.
        starts: keeps attempts at a host apart.
        loopback: permission to reach one server on this machine.
    """

    def __init__(
        self,
        settings: HttpSettings,
        robots: Callable[[str], Robots],
        resolver: Resolver,
        starts: Starts,
        loopback: LoopbackAllowance | None = None,
    ) -> None:
        self.settings, self._loopback = settings, loopback
        self._robots, self._resolver, self._starts = robots, resolver, starts

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The default context, whose certificates are read once."""
        return ssl.create_default_context()

    def check_rules(self, url: str) -> float:
        """The delay that the origin of a canonical URL requests, in seconds.

        Raises:
            RefusedError: a block-list holds the URL, or its robots.txt does not allow it.
        """
        if self.settings.refuses and (listed := self.settings.refuses(url)):
            raise RefusedError(listed)
        if not self.settings.obeys_robots:
            return 0.0
        robots = self._robots(url)
        if no := robots.refusal(url):
            raise RefusedError(no)
        return robots.delay_s

    def wait_to_start(self, url: str) -> None:
        """Wait until the host of a canonical URL may be asked.

        Raises:
            RefusedError: as `check_rules`.
        """
        pace = self.settings.pace
        delay_s = max(self.check_rules(url), pace.delay_s)
        self._starts.wait(urlsplit(url).hostname or "", delay_s)

    def check_opt_out(self, url: str, headers: Any) -> None:
        """Refuse an answer whose headers forbid its use."""
        directive = opt_out(headers.items(), self.settings.token)
        if directive and self.settings.honours_opt_out:
            raise refused(Reason.OPT_OUT, f"{directive} from {url}")

    def addresses(self, host: str, port: int, end: float) -> tuple[Sequence[str], int]:
        """Where a host may be connected to: all addresses of its name, every one vetted.

        Raises:
            RefusedError: one of them is neither public nor allowed, or there are none.
        """
        if self._loopback and self._loopback.covers(host):
            return ["127.0.0.1"], self._loopback.port
        allow = self.settings.allow
        if not is_web_port(port) and not any(rule.covers(host) for rule in allow):
            raise refused(Reason.ADDRESS_REFUSED, f"port {port} of {host} is not a web port")
        try:
            found = self._resolver(host, seconds_until(end))
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            reason = Reason.HOST_UNKNOWN if is_unknown(error) else Reason.DNS_FAILED
            raise refused(reason, f"{host} does not resolve") from error
        if not found:
            raise refused(Reason.HOST_UNKNOWN, f"{host} has no address")
        try:
            check_addresses(host, port, found, allow)
        except FetchError as error:
            raise RefusedError(error.failure) from error
        return found[:_MAX_TRIED], port


def checked(url: str, base: str = "") -> str:
    """The canonical form of a URL, joined with that of the page before it.

    Raises:
        RefusedError: it is not of http or https, or none that can be asked for.
    """
    try:
        return checked_url(url, base)
    except FetchError as error:
        raise RefusedError(error.failure) from error


def seconds_until(end: float) -> float:
    """Seconds until a deadline.

    Raises:
        TimeoutError: it has passed.
    """
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def refused(reason: Reason, detail: str) -> RefusedError:
    """The error that a wall raises."""
    return RefusedError(FetchFailure(reason, detail))
