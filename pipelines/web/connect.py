"""Connections to vetted addresses only, each under the deadline of the fetch that uses it.

A name is resolved once, all its answers are vetted, and the socket is opened to a vetted address:
between check and use there is no second lookup that a rebinding name server could answer anew.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from pipelines.web.addresses import LoopbackAllowance, first_denial, is_web_port
from pipelines.web.failures import FetchError, Reason
from pipelines.web.resolve import Resolver

_MAX_TRIED = 4  # addresses of one host; chosen: two of each family
_UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

_end: ContextVar[float] = ContextVar("end_of_budget")


class Budget:
    """The seconds that a fetch may spend on the wire, all hops together.

    It runs only inside `running`: waiting for a turn or for a robots.txt is free. Sockets take
    their timeouts from it, since a timeout for each read lets a server trickle bytes for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Spend the budget while inside."""
        end = time.monotonic() + self._left
        token = _end.set(end)
        try:
            yield
        finally:
            _end.reset(token)
            self._left = end - time.monotonic()


def seconds_left() -> float:
    """The seconds that remain of the running budget.

    Raises:
        httpcore.ReadTimeout: none remain.
    """
    left = _end.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the budget is spent")
    return left


class VettedBackend(httpcore.NetworkBackend):
    """Opens sockets to public addresses, and to the granted server.

    Args:
        resolver: gives all addresses of a name.
        loopback: permission to reach one server on this machine.
    """

    def __init__(self, resolver: Resolver, loopback: LoopbackAllowance | None = None) -> None:
        self._resolver, self._loopback = resolver, loopback
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a vetted address of the host.

        Raises:
            FetchError: refused, or the name does not resolve.
            httpcore.ConnectError: no address answers.
        """
        if self._loopback and self._loopback.covers(host):
            return self._open(["127.0.0.1"], self._loopback.port)
        if not is_web_port(port):
            raise FetchError(Reason.ADDRESS_REFUSED, f"port {port} of {host} is not a web port")
        return self._open(self._vetted(host), port)

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Never: no URL names a local socket."""
        raise NotImplementedError

    def _vetted(self, host: str) -> Sequence[str]:
        try:
            addresses = self._resolver(host, seconds_left())
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"looking up {host}") from error
        except (OSError, UnicodeError) as error:  # gaierror is an OSError
            is_unknown = isinstance(error, socket.gaierror) and error.errno in _UNKNOWN
            reason = Reason.HOST_UNKNOWN if is_unknown else Reason.DNS_FAILED
            raise FetchError(reason, f"{host} does not resolve") from error
        if not addresses:
            raise FetchError(Reason.HOST_UNKNOWN, f"{host} has no address")
        if denied := first_denial(addresses):
            raise FetchError(Reason.ADDRESS_REFUSED, f"{host} resolves to {denied}")
        return addresses

    def _open(self, addresses: Sequence[str], port: int) -> httpcore.NetworkStream:
        tried = addresses[:_MAX_TRIED]
        for position, address in enumerate(tried):
            share_s = seconds_left() / (len(tried) - position)
            try:
                return _BudgetedStream(self._sockets.connect_tcp(address, port, share_s))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(tried) - 1:
                    raise
        raise httpcore.ConnectError("no address to connect to")


class _BudgetedStream(httpcore.NetworkStream):
    """A socket whose every wait ends with the running budget."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, seconds_left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, seconds_left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        # one timeout bounds the whole handshake: the ssl module counts it as a deadline
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, seconds_left())
        except httpcore.ConnectError as error:
            if not isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise
            detail = f"{server_hostname}: {error.__cause__.verify_message}"
            raise FetchError(Reason.CERTIFICATE_REFUSED, detail) from error
        return _BudgetedStream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
