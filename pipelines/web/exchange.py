"""One request and its answer: what is sent, how the answer is read, and what its faults are called.

There are no cookies, no proxies from the environment and no HTTP/2; certificates are verified.
Source of the default limits named here: aiohttp, `ClientSession`.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from pipelines.web.answers import REDIRECTS, Response, body_of, check_type, drain, header_text
from pipelines.web.bodies import ACCEPT_ENCODING
from pipelines.web.budget import Budget
from pipelines.web.codings import transfer_codings
from pipelines.web.connect import MAX_HEAD_BYTES, BoundedHandler, Gate, reaching, vetted_connector
from pipelines.web.failures import FetchError, Reason
from pipelines.web.in_flight import InFlight
from pipelines.web.optout import opt_out
from pipelines.web.settings import HttpSettings
from pipelines.web.urls import SCHEMES

# Some sites send a policy or a list of preloads in one long line, and many lines. Chosen: four
# times the defaults, and 16 MiB of headers at worst.
_MAX_FIELD_BYTES = 32 * 1024
_MAX_HEADERS = 512

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """What differs between an image, a page and a file about the site."""

    accept: str
    max_bytes: int
    max_redirects: int
    follows_redirects: bool = True
    media_types: frozenset[str] = frozenset()
    is_robots: bool = False


class Exchange:
    """Sends requests for one client; used in one event loop.

    Args:
        settings: of the client.
        gate: vets the hosts.
        tls: verifies certificates.
        check_status: raises for a status that is no success, given the URL and the headers.
    """

    def __init__(
        self,
        settings: HttpSettings,
        gate: Gate,
        tls: Callable[[], ssl.SSLContext],
        check_status: Callable[[str, int, Headers], None],
    ) -> None:
        self._settings, self._gate, self._tls = settings, gate, tls
        self._check_status = check_status
        self._in_flight = InFlight()
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, request: Request, budget: Budget) -> Response | str:
        """Send one request; the response, or the target of a redirect.

        Args:
            url: canonical, and sent as it is.
            request: what is wanted.
            budget: starts to run now.

        Raises:
            FetchError: refused before, failed on the way, or not what is wanted.
        """
        with _translated(url, self._settings.timeout_s):
            async with budget.running():
                parts = urlsplit(url)
                host, port = parts.hostname or "", parts.port or SCHEMES[parts.scheme]
                with reaching(await self._gate.endpoints(host, port)):
                    return await self._ask(url, request, budget)

    async def close(self) -> None:
        """Close the connections."""
        self._gate.close()
        if self._session is not None:
            await self._session.close()

    async def _ask(self, url: str, request: Request, budget: Budget) -> Response | str:
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept": request.accept,
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        target = URL(url, encoded=True)
        async with self._opened().get(target, headers=headers, allow_redirects=False) as answer:
            return await self._read(url, answer, request, budget)

    async def _read(
        self, url: str, answer: aiohttp.ClientResponse, request: Request, budget: Budget
    ) -> Response | str:
        """Read an answer as far as it is wanted; the rest is given up with its connection."""
        status = answer.status
        pairs = tuple(
            (header_text(name).lower(), header_text(value)) for name, value in answer.raw_headers
        )
        if self._settings.honours_opt_out and not request.is_robots:
            self._check_opt_out(url, status, pairs)
        first = dict(reversed(pairs))
        content_type = first.get("content-type", "")
        if status >= 300:
            await drain(answer.content.iter_any(), first)
        if status in REDIRECTS and "location" in first:
            if request.follows_redirects:
                return first["location"]
            return Response(status, b"", content_type, url, pairs)
        self._check_status(url, status, pairs)
        check_type(url, content_type, request.media_types)
        if set(transfer_codings(first.get("transfer-encoding", ""))) - {"chunked"}:
            raise FetchError(Reason.BROKEN_RESPONSE, f"coded on its way, unasked, by {url}")
        with _bounded(url, answer, request.max_bytes):
            body = await body_of(
                url,
                lambda cap: self._receive(answer, cap, budget),
                first,
                request.max_bytes,
                keeps_head=request.is_robots,
            )
        return Response(status, body, content_type, url, pairs)

    async def _receive(
        self, answer: aiohttp.ClientResponse, cap: int, budget: Budget
    ) -> list[bytes]:
        received = await self._in_flight.receive(answer.content.iter_any(), cap, budget)
        if not answer.content.at_eof():
            answer.close()  # lest more arrive while the body is decoded
        return received

    def _check_opt_out(self, url: str, status: int, headers: Headers) -> None:
        directive = opt_out(headers, self._settings.token) if status < 400 else None
        if directive:
            raise FetchError(Reason.OPT_OUT, f"{directive} from {url}")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=vetted_connector(self._tls(), self._settings.connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_MAX_FIELD_BYTES,
                max_field_size=_MAX_FIELD_BYTES,
                max_headers=_MAX_HEADERS,
                middlewares=[_once],
            )
        return self._session


@contextmanager
def _bounded(url: str, answer: aiohttp.ClientResponse, cap: int) -> Iterator[None]:
    """Bound what comes on the wire for a body of at most `cap` bytes, with what frames it."""
    protocol = answer.connection.protocol if answer.connection else None  # None: all has come
    if not isinstance(protocol, BoundedHandler):
        yield
        return
    protocol.max_bytes = cap + cap // 4 + MAX_HEAD_BYTES  # chosen: chunks of 32 bytes may pass
    try:
        yield
    except aiohttp.ClientPayloadError as error:
        if not protocol.is_over:
            raise
        detail = f"the body passes the cap: {url}"
        raise FetchError(Reason.TOO_LARGE, detail, threshold=cap) from error


async def _once(
    request: aiohttp.ClientRequest,
    handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """Keep the library from sending a request again by itself, past all limits of pace."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _fault(str(request.url), error) from error


@contextmanager
def _translated(url: str, timeout_s: float) -> Iterator[None]:
    """Turn exceptions of the HTTP library into classified failures."""
    try:
        yield
    except TimeoutError as error:
        raise FetchError(Reason.TIMED_OUT, f"at {url}", threshold=timeout_s) from error
    except aiohttp.ClientError as error:
        raise _fault(url, error) from error


def _fault(url: str, error: aiohttp.ClientError) -> FetchError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        refused = error.certificate_error
        why = refused.verify_message if isinstance(refused, ssl.SSLCertVerificationError) else ""
        return FetchError(Reason.CERTIFICATE_REFUSED, f"{error.host}: {why}")
    if isinstance(error, aiohttp.InvalidURL):
        return FetchError(Reason.URL_REFUSED, f"{url[:200]!r}: no URL for a request")
    if isinstance(error, aiohttp.ClientOSError):
        return FetchError(Reason.CONNECTION_FAILED, f"at {url}")
    return FetchError(Reason.BROKEN_RESPONSE, f"not whole HTTP/1.1 at {url}")
