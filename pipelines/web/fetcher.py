"""The work of a client: robots.txt, turns, redirects and retries around each request."""

import asyncio
import ssl
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from pipelines.web.answers import Response
from pipelines.web.budget import Budget
from pipelines.web.connect import Gate
from pipelines.web.exchange import Exchange, Headers, Request
from pipelines.web.failures import FetchError, FetchFailure, Reason, reason_of_status
from pipelines.web.origin_cache import OriginCache
from pipelines.web.pace import MAX_DELAY_S, retry_after_s, shared_pace, site_of
from pipelines.web.reservations import (
    AI_TXT_PATH,
    MAX_FILE_BYTES,
    TDMREP_PATH,
    Reservations,
    reservations_of,
)
from pipelines.web.robots import (
    MAX_ROBOTS_BYTES,
    MAX_ROBOTS_REDIRECTS,
    Robots,
    lifetime_s,
    robots_of,
)
from pipelines.web.settings import HttpSettings
from pipelines.web.urls import SCHEMES, canonical_url

_ROBOTS = Request(
    "text/plain,*/*;q=0.5", MAX_ROBOTS_BYTES + 1, MAX_ROBOTS_REDIRECTS, is_robots=True
)


class Fetcher:
    """Fetches URLs; used in the event loop of `loop.py` alone.

    Args:
        settings: how.
        gate: vets the hosts.
        tls: gives what verifies certificates.

    Attributes:
        robots: what the origin of a canonical URL allows.
        reservations: what the origin of a canonical URL reserves in files of its own.
        pace: turns on hosts, shared with other clients.
    """

    def __init__(
        self, settings: HttpSettings, gate: Gate, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, gate, tls, self._check_status)
        self._request = Request(
            settings.accept,
            settings.max_bytes,
            settings.max_redirects,
            settings.follows_redirects,
            settings.media_types,
        )
        self.pace = shared_pace(settings.pace)
        self.robots = OriginCache(self._fetch_robots, lifetime_s)
        self.reservations = OriginCache(self._fetch_reservations)

    async def fetch(self, url: str) -> Response | FetchFailure:
        """Fetch one URL, trying again after transient failures."""
        return await self._try(url, self._request)

    async def fetch_file(self, url: str, max_bytes: int) -> Response | FetchFailure:
        """Fetch a file about the site, of any type and through redirects, just as politely."""
        return await self._try(url, Request("*/*", max_bytes, MAX_ROBOTS_REDIRECTS))

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    async def _fetch_robots(self, site: str) -> Robots:
        found = await self._try(f"{site}/robots.txt", _ROBOTS)
        body = found if isinstance(found, FetchFailure) else found.body
        return robots_of(body, self._settings.token)

    async def _fetch_reservations(self, site: str) -> Reservations:
        found = [
            await self.fetch_file(site + path, MAX_FILE_BYTES)
            for path in (TDMREP_PATH, AI_TXT_PATH)
        ]
        tdm, ai = (file.body if isinstance(file, Response) else None for file in found)
        return reservations_of(tdm, ai, self._settings.token)

    async def _try(self, url: str, request: Request) -> Response | FetchFailure:
        """Repeat an attempt while it fails transiently; the last result is returned."""
        result = await self._attempt(url, request)
        for number in range(self._settings.retries):
            if isinstance(result, Response) or not result.is_transient:
                break
            await asyncio.sleep(self._settings.backoff_s * 2**number)
            result = await self._attempt(url, request)
        return result

    async def _attempt(self, url: str, request: Request) -> Response | FetchFailure:
        try:
            return await self._follow(checked_url(url), request)
        except FetchError as error:
            return error.failure

    async def _follow(self, url: str, request: Request) -> Response:
        budget = Budget(self._settings.timeout_s)
        first = site_of(urlsplit(url).hostname or "")
        for _ in range(request.max_redirects + 1):
            self._check_refused(url)
            delay_s = 0.0 if request.is_robots else await self._check_robots(url)
            host = urlsplit(url).hostname or ""
            async with self.pace.turn(host, delay_s, is_guest=site_of(host) != first):
                answer = await self._exchange.send(url, request, budget)
            if isinstance(answer, Response):
                return answer
            url = checked_url(answer, base=url)
        raise FetchError(Reason.TOO_MANY_REDIRECTS, f"on to {url}", threshold=request.max_redirects)

    def _check_refused(self, url: str) -> None:
        refuses = self._settings.refuses
        if refuses is not None and (no := refuses(url)):
            raise FetchError(no.reason, no.detail, no.measured, no.threshold)

    async def _check_robots(self, url: str) -> float:
        """The delay that the origin requests, in seconds."""
        if not self._settings.obeys_robots:
            return 0.0
        robots = await self.robots.of(url)
        if no := robots.refusal(url):
            raise FetchError(no.reason, no.detail, no.measured, no.threshold)
        return robots.delay_s

    def _check_status(self, url: str, status: int, headers: Headers) -> None:
        """Raise unless the status is a success, pausing the host for as long as it asks."""
        if status in {429, 503} and (wait_s := retry_after_s(headers, time.time())):
            self.pace.hold(urlsplit(url).hostname or "", wait_s)
            if wait_s > MAX_DELAY_S:  # too long to wait for, and too rude to ignore
                detail = f"HTTP {status} from {url}"
                raise FetchError(Reason.RETRY_LATER, detail, threshold=MAX_DELAY_S)
        if reason := reason_of_status(status):
            raise FetchError(reason, f"HTTP {status} from {url}")


def checked_url(url: str, base: str = "") -> str:
    """The canonical form of a URL, joined with that of the page before it.

    Raises:
        FetchError: it is not of http or https, or none that can be asked for.
    """
    try:
        url = urljoin(base, url)
        return canonical_url(url)
    except ValueError as error:
        is_other_scheme = url.partition(":")[0].strip().lower() not in SCHEMES
        reason = Reason.SCHEME_REFUSED if is_other_scheme else Reason.URL_REFUSED
        raise FetchError(reason, f"{url[:200]!r}: {error}") from error
