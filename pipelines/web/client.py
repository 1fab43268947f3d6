"""From a URL to bytes or a classified failure: safe, polite, bounded in bytes and time.

Every hop of a redirect is treated as a URL of its own: canonical form, scheme, robots.txt of its
origin, rate limit of its host, vetted address, opt-out headers.

All work is done in the event loop of `loop.py`, where thousands of requests wait at once. Threads
use a client by its plain methods, and work in the loop its `fetcher`.
"""

import atexit
import functools
import os
import ssl
import threading
from urllib.parse import urlsplit

import certifi

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.connect import Gate
from pipelines.web.failures import FetchFailure
from pipelines.web.fetcher import Fetcher
from pipelines.web.loop import run
from pipelines.web.reservations import Reservations
from pipelines.web.resolve import Resolver
from pipelines.web.robots import Robots
from pipelines.web.settings import HttpSettings


class Client:
    """Fetches URLs; one object for all threads.

    Args:
        settings: how.
        loopback: permission to reach one server on this machine.
        resolver: replaces the system's name lookup.
    """

    def __init__(
        self,
        settings: HttpSettings,
        loopback: LoopbackAllowance | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        gate = Gate(resolver, loopback, settings.allow)
        self.fetcher = Fetcher(settings, gate, _tls_context)

    def fetch(self, url: str) -> Response | FetchFailure:
        """Fetch one URL, trying again after transient failures."""
        return run(self.fetcher.fetch(url))

    def fetch_file(self, url: str, max_bytes: int) -> Response | FetchFailure:
        """Fetch a file about the site, of any type and through redirects, just as politely."""
        return run(self.fetcher.fetch_file(url, max_bytes))

    def robots(self, url: str) -> Robots:
        """What the origin of a canonical URL allows, fetched once."""
        return run(self.fetcher.robots.of(url))

    def reservations(self, url: str) -> Reservations:
        """What the origin of a canonical URL reserves in files of its own, fetched once."""
        return run(self.fetcher.reservations.of(url))

    def rest(self, url: str) -> None:
        """Wait until the host of a URL may be asked again."""
        run(self.fetcher.pace.rest(urlsplit(url).hostname or ""))

    def close(self) -> None:
        """Close the connections."""
        run(self.fetcher.close())


_SHARED: dict[tuple[HttpSettings, LoopbackAllowance | None], Client] = {}
_SHARED_LOCK = threading.Lock()


def shared_client(settings: HttpSettings, loopback: LoopbackAllowance | None = None) -> Client:
    """The one client of this process for these settings: its connections and caches are kept.

    It is closed by `close_shared_clients`, at the latest when the process ends.
    """
    with _SHARED_LOCK:
        if (settings, loopback) not in _SHARED:
            _SHARED[settings, loopback] = Client(settings, loopback)
        return _SHARED[settings, loopback]


def close_shared_clients() -> None:
    """Close the connections of all shared clients; the next `shared_client` makes a new one."""
    with _SHARED_LOCK:
        for client in _SHARED.values():
            client.close()
        _SHARED.clear()


os.register_at_fork(after_in_child=_SHARED.clear)  # their event loop does not survive it
atexit.register(close_shared_clients)  # in worker processes nothing else calls it


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """What verifies certificates, made once a process, as it reads many.

    It trusts those of the machine and those of Mozilla, as a small machine has none.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
