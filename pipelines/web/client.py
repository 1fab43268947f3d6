"""From a URL to bytes or a classified failure: safe, polite, bounded in bytes and time.

Every hop of a redirect is treated as a URL of its own: canonical form, scheme, robots.txt of its
origin, rate limit of its host, vetted address, opt-out headers. There are no cookies, no proxies
from the environment and no HTTP/2; certificates are verified.
"""

import atexit
import functools
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpcore

from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import REDIRECTS, Response, body_of, check_type, drain, header_text
from pipelines.web.bodies import ACCEPT_ENCODING
from pipelines.web.connect import Budget, VettedBackend
from pipelines.web.failures import FetchError, FetchFailure, Reason, reason_of_status
from pipelines.web.optout import opt_out
from pipelines.web.origin_cache import OriginCache
from pipelines.web.pace import MAX_DELAY_S, retry_after_s, shared_pace
from pipelines.web.reservations import (
    AI_TXT_PATH,
    MAX_FILE_BYTES,
    TDMREP_PATH,
    Reservations,
    reservations_of,
)
from pipelines.web.resolve import Resolver, SystemResolver
from pipelines.web.robots import (
    MAX_ROBOTS_BYTES,
    MAX_ROBOTS_REDIRECTS,
    Robots,
    lifetime_s,
    robots_of,
)
from pipelines.web.settings import HttpSettings
from pipelines.web.urls import SCHEMES, canonical_url

_IDLE_S = 5.0  # chosen: less than servers keep a connection open, so that few turn out closed


@dataclass(frozen=True)
class _Request:
    """What differs between an image, a page and a file about the site."""

    accept: str
    max_bytes: int
    max_redirects: int
    follows_redirects: bool = True
    media_types: frozenset[str] = frozenset()
    is_robots: bool = False


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
        self._settings = settings
        self._pace = shared_pace(settings.pace)
        self._pool = httpcore.ConnectionPool(
            _tls_context(),
            max_connections=settings.connections,
            keepalive_expiry=_IDLE_S,
            network_backend=VettedBackend(resolver or SystemResolver(), loopback),
        )
        self._robots = OriginCache(self._fetch_robots, lifetime_s)
        self._reservations = OriginCache(self._fetch_reservations)

    def fetch(self, url: str) -> Response | FetchFailure:
        """Fetch one URL, trying again after transient failures."""
        settings = self._settings
        request = _Request(
            settings.accept,
            settings.max_bytes,
            settings.max_redirects,
            settings.follows_redirects,
            settings.media_types,
        )
        return self._try(url, request)

    def fetch_file(self, url: str, max_bytes: int) -> Response | FetchFailure:
        """Fetch a file about the site, of any type and through redirects, just as politely."""
        return self._try(url, _Request("*/*", max_bytes, MAX_ROBOTS_REDIRECTS))

    def robots(self, url: str) -> Robots:
        """What the origin of a canonical URL allows, fetched once."""
        return self._robots.of(url)

    def reservations(self, url: str) -> Reservations:
        """What the origin of a canonical URL reserves in files of its own, fetched once."""
        return self._reservations.of(url)

    def rest(self, url: str) -> None:
        """Wait until the host of a URL may be asked again."""
        self._pace.rest(urlsplit(url).hostname or "")

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _fetch_robots(self, site: str) -> Robots:
        request = _Request(
            "text/plain,*/*;q=0.5", MAX_ROBOTS_BYTES + 1, MAX_ROBOTS_REDIRECTS, is_robots=True
        )
        found = self._try(f"{site}/robots.txt", request)
        body = found if isinstance(found, FetchFailure) else found.body
        return robots_of(body, self._settings.token)

    def _fetch_reservations(self, site: str) -> Reservations:
        found = [
            self.fetch_file(site + path, MAX_FILE_BYTES) for path in (TDMREP_PATH, AI_TXT_PATH)
        ]
        tdm, ai = (file.body if isinstance(file, Response) else None for file in found)
        return reservations_of(tdm, ai, self._settings.token)

    def _try(self, url: str, request: _Request) -> Response | FetchFailure:
        """Repeat an attempt while it fails transiently; the last result is returned."""
        result = self._attempt(url, request)
        for number in range(self._settings.retries):
            if isinstance(result, Response) or not result.is_transient:
                break
            time.sleep(self._settings.backoff_s * 2**number)
            result = self._attempt(url, request)
        return result

    def _attempt(self, url: str, request: _Request) -> Response | FetchFailure:
        try:
            return self._follow(_checked(url), request)
        except FetchError as error:
            return error.failure

    def _follow(self, url: str, request: _Request) -> Response:
        budget = Budget(self._settings.timeout_s)
        for _ in range(request.max_redirects + 1):
            self._check_refused(url)
            delay_s = 0.0 if request.is_robots else self._check_robots(url)
            host = urlsplit(url).hostname or ""
            with self._pace.turn(host, delay_s), budget.running(), self._translated(url):
                answer = self._exchange(url, request)
            if isinstance(answer, Response):
                return answer
            url = _checked(answer, base=url)
        raise FetchError(Reason.TOO_MANY_REDIRECTS, f"on to {url}", threshold=request.max_redirects)

    def _check_refused(self, url: str) -> None:
        refuses = self._settings.refuses
        if refuses is not None and (no := refuses(url)):
            raise FetchError(no.reason, no.detail, no.measured, no.threshold)

    def _check_robots(self, url: str) -> float:
        """The delay that the origin requests, in seconds."""
        if not self._settings.obeys_robots:
            return 0.0
        robots = self._robots.of(url)
        if no := robots.refusal(url):
            raise FetchError(no.reason, no.detail, no.measured, no.threshold)
        return robots.delay_s

    def _exchange(self, url: str, request: _Request) -> Response | str:
        """Send one request; the response, or the target of a redirect."""
        headers = [
            ("User-Agent", self._settings.user_agent),
            ("Accept", request.accept),
            ("Accept-Encoding", ACCEPT_ENCODING),
        ]
        with self._pool.stream("GET", url, headers=headers) as response:
            pairs = [
                (header_text(name).lower(), header_text(value)) for name, value in response.headers
            ]
            if self._settings.honours_opt_out and not request.is_robots:
                self._check_opt_out(url, response.status, pairs)
            first = dict(reversed(pairs))
            content_type = first.get("content-type", "")
            if response.status >= 300:
                drain(response.iter_stream(), first)
            if response.status in REDIRECTS and "location" in first:
                if request.follows_redirects:
                    return first["location"]
                return Response(response.status, b"", content_type, url, tuple(pairs))
            self._check_status(url, response.status, pairs)
            check_type(url, content_type, request.media_types)
            body = body_of(
                url,
                response.iter_stream(),
                first,
                request.max_bytes,
                keeps_head=request.is_robots,
            )
        return Response(response.status, body, content_type, url, tuple(pairs))

    def _check_opt_out(self, url: str, status: int, headers: list[tuple[str, str]]) -> None:
        directive = opt_out(headers, self._settings.token) if status < 400 else None
        if directive:
            raise FetchError(Reason.OPT_OUT, f"{directive} from {url}")

    def _check_status(self, url: str, status: int, headers: list[tuple[str, str]]) -> None:
        """Raise unless the status is a success, pausing the host for as long as it asks."""
        if status in {429, 503} and (wait_s := retry_after_s(headers, time.time())):
            self._pace.hold(urlsplit(url).hostname or "", wait_s)
            if wait_s > MAX_DELAY_S:  # too long to wait for, and too rude to ignore
                detail = f"HTTP {status} from {url}"
                raise FetchError(Reason.RETRY_LATER, detail, threshold=MAX_DELAY_S)
        if reason := reason_of_status(status):
            raise FetchError(reason, f"HTTP {status} from {url}")

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        """Turn exceptions of the HTTP library into classified failures."""
        try:
            yield
        except httpcore.TimeoutException as error:
            limit_s = self._settings.timeout_s
            raise FetchError(Reason.TIMED_OUT, f"at {url}", threshold=limit_s) from error
        except httpcore.NetworkError as error:
            raise FetchError(Reason.CONNECTION_FAILED, f"at {url}") from error
        except httpcore.ProtocolError as error:
            raise FetchError(Reason.BROKEN_RESPONSE, f"not whole HTTP/1.1 at {url}") from error


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


atexit.register(close_shared_clients)  # in worker processes nothing else calls it


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """The default context, whose certificates are read once a process."""
    return httpcore.default_ssl_context()


def _checked(url: str, base: str = "") -> str:
    try:
        url = urljoin(base, url)
        return canonical_url(url)
    except ValueError as error:
        is_other_scheme = url.partition(":")[0].strip().lower() not in SCHEMES
        reason = Reason.SCHEME_REFUSED if is_other_scheme else Reason.URL_REFUSED
        raise FetchError(reason, f"{url[:200]!r}: {error}") from error
