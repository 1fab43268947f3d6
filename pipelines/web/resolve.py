"""Looks up host names once each, for all that ask at the same time; replaceable in tests."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

LIFETIME_S = 300.0  # chosen: the system's own lookup gives no time to live
# An unknown name is remembered as long as an answer: at most three hours would be in order. Source:
# RFC 2308, section 5. A lookup that failed for now is not shared with the next attempt, which
# comes after `backoff_s`: chosen.
FAILED_LIFETIME_S = 0.5
_MAX_CACHED = 100_000
_MAX_LOOKUPS = 128  # at once; a lookup that hangs keeps its thread until the system gives up
_UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

Resolver = Callable[[str], Sequence[str]]
"""A host to all its addresses; raises `OSError` or `UnicodeError`; called in a thread."""


class Lookups:
    """The addresses of hosts for one client, kept for `LIFETIME_S`; used in one event loop.

    Args:
        resolver: asked once a host, however many wait for the answer.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._threads = ThreadPoolExecutor(_MAX_LOOKUPS, "resolve")
        self._known: dict[str, tuple[float, asyncio.Future[Sequence[str]]]] = {}

    async def of(self, host: str) -> Sequence[str]:
        """All addresses of a host, in the system's order of preference.

        Whoever gives up waiting leaves the lookup to the others.

        Raises:
            OSError, UnicodeError: the name does not resolve.
        """
        began, asked = self._known.get(host, (0.0, None))
        if asked is None or (asked.done() and time.monotonic() > began + _lifetime_s(asked)):
            asked = self._ask(host)
        return await asyncio.shield(asked)

    def close(self) -> None:
        """Let the threads end; lookups that hang are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, host: str) -> asyncio.Future[Sequence[str]]:
        if len(self._known) >= _MAX_CACHED:
            del self._known[next(iter(self._known))]  # the oldest; who waits for it still gets it
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._threads, self._resolver, host)
        asked.add_done_callback(_take_notice)
        self._known.pop(host, None)
        self._known[host] = time.monotonic(), asked
        return asked


def is_unknown(error: Exception) -> bool:
    """Whether an error of a lookup says that there is no such name, rather than no answer."""
    return isinstance(error, socket.gaierror) and error.errno in _UNKNOWN


def look_up(host: str) -> list[str]:
    """All addresses of a host by the system's own lookup.

    Raises:
        socket.gaierror: the name does not resolve.
    """
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _lifetime_s(asked: asyncio.Future[Sequence[str]]) -> float:
    if asked.cancelled():
        return 0.0
    error = asked.exception()
    is_lasting = error is None or (isinstance(error, Exception) and is_unknown(error))
    return LIFETIME_S if is_lasting else FAILED_LIFETIME_S


def _take_notice(asked: asyncio.Future[Sequence[str]]) -> None:
    """Look at a failure that nobody waited for, lest asyncio report it."""
    if not asked.cancelled():
        asked.exception()
