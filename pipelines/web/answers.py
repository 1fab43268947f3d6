"""HTTP responses, and how they are read: headers as text, the type, the body within bounds."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from pipelines.web.bodies import read_body
from pipelines.web.codings import content_codings
from pipelines.web.failures import FetchError, Reason
from pipelines.web.media_types import media_type

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_DRAINED_BYTES = 64 * 1024  # chosen: less than a new connection costs
_DRAINED_WITHIN_S = 0.5  # chosen, likewise


@dataclass(frozen=True)
class Response:
    """A complete response with status 2xx, or a redirect that was not to be followed.

    Args:
        status: of the last hop.
        body: decompressed; empty for a redirect only.
        content_type: as declared; empty where it is not.
        final_url: of the last hop.
        headers: of the last hop, names in lower case, repeated ones repeated.
    """

    status: int
    body: bytes
    content_type: str
    final_url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def redirects_to(self) -> str | None:
        """The Location of a redirect, as written; None for any other response."""
        if self.status not in REDIRECTS:
            return None
        return next((value for name, value in self.headers if name == "location"), None)


def header_text(raw: bytes) -> str:
    """Header bytes as text: UTF-8 as servers send it, or Latin-1 as the standard once required."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def check_type(url: str, content_type: str, wanted: frozenset[str]) -> None:
    """Refuse a response of another media type before its body; one without a type passes.

    Raises:
        FetchError: `unwanted_type`.
    """
    declared = media_type(content_type)
    if wanted and declared and declared not in wanted:
        raise FetchError(Reason.UNWANTED_TYPE, f"{declared[:100]!r} from {url}")


async def body_of(
    url: str,
    receive: Callable[[int], Awaitable[Sequence[bytes]]],
    headers: dict[str, str],
    cap: int,
    *,
    keeps_head: bool,
) -> bytes:
    """The body of a response.

    A body with a coding is decoded beside the event loop, which a bomb would hold up.

    Args:
        url: quoted in failures.
        receive: gives the chunks as received, up to the first that passes a number of bytes.
        headers: names in lower case.
        cap: bytes, as in `read_body`, like `keeps_head`.
        keeps_head: a declared length above the cap is not a failure either.

    Raises:
        FetchError: `too_large`, `empty_body`, or as `read_body` says.
    """
    declared = _length(headers)
    if declared is not None and declared > cap and not keeps_head:
        raise FetchError(Reason.TOO_LARGE, f"declared by {url}", declared, cap)
    encoding = headers.get("content-encoding", "")
    chunks = await receive(cap)
    try:
        if content_codings(encoding):
            body = await asyncio.to_thread(read_body, chunks, encoding, cap, keeps_head)
        else:
            body = read_body(chunks, encoding, cap, keeps_head)
    except FetchError as error:
        failure = error.failure
        detail = f"{failure.detail}: {url}"
        raise FetchError(failure.reason, detail, threshold=failure.threshold) from error
    if not body:
        raise FetchError(Reason.EMPTY_BODY, f"at {url}")
    return body


async def drain(chunks: AsyncIterable[bytes], headers: dict[str, str]) -> None:
    """Read and discard a small body, so that the connection can be reused."""
    declared = _length(headers)
    if declared is not None and declared <= MAX_DRAINED_BYTES:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_DRAINED_WITHIN_S):
                async for _ in chunks:
                    pass


def _length(headers: dict[str, str]) -> int | None:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else None
