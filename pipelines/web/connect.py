"""Connections to vetted addresses only.

A name is looked up, all its answers are vetted, and a context variable carries them to the
connector of the HTTP library: its resolver knows nothing else, and no socket is made for any other
address. Between check and use there is no second lookup that a rebinding name server could answer
anew.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from dalle_model.errors import DalleError
from pipelines.web.addresses import LoopbackAllowance, first_denial, is_web_port
from pipelines.web.failures import FetchError, Reason
from pipelines.web.intranet import IntranetAllowance, is_allowed
from pipelines.web.resolve import Lookups, Resolver, is_unknown, look_up

_MAX_TRIED = 4  # addresses of one host; chosen: two of each family
_IDLE_S = 5.0  # chosen: less than servers keep a connection open, so that few turn out closed
# Of one answer before its body is asked for. Chosen: 256 KiB may lie in the reads of the loop.
MAX_HEAD_BYTES = 1024 * 1024

Endpoint = tuple[str, int]
"""An IP address and a port."""

_vetted: ContextVar[Sequence[Endpoint]] = ContextVar("vetted_endpoints")


class OpenFilesError(DalleError):
    """This process may open no further socket, which says nothing about the host."""


class Gate:
    """Decides by which addresses a host may be reached: public ones, and those granted.

    Args:
        resolver: gives all addresses of a name; the system's lookup by default.
        loopback: permission to reach one server on this machine.
        allow: permissions to reach private hosts.
    """

    def __init__(
        self,
        resolver: Resolver | None = None,
        loopback: LoopbackAllowance | None = None,
        allow: Sequence[IntranetAllowance] = (),
    ) -> None:
        self._lookups = Lookups(resolver or look_up)
        self._loopback, self._allow = loopback, allow

    async def endpoints(self, host: str, port: int) -> list[Endpoint]:
        """What may be connected to in place of a canonical host and a port.

        Raises:
            FetchError: refused, or the name does not resolve.
        """
        if self._loopback and self._loopback.covers(host):
            return [("127.0.0.1", self._loopback.port)]
        if not is_web_port(port) and not any(rule.covers(host) for rule in self._allow):
            raise FetchError(Reason.ADDRESS_REFUSED, f"port {port} of {host} is not a web port")
        addresses = await self._addresses(host)
        check_addresses(host, port, addresses, self._allow)
        return [(address, port) for address in addresses[:_MAX_TRIED]]

    def close(self) -> None:
        """Let the threads of lookups end."""
        self._lookups.close()

    async def _addresses(self, host: str) -> Sequence[str]:
        try:
            addresses = await self._lookups.of(host)
        except TimeoutError:
            raise  # of the budget, or of the system's lookup
        except (OSError, UnicodeError) as error:  # gaierror is an OSError
            reason = Reason.HOST_UNKNOWN if is_unknown(error) else Reason.DNS_FAILED
            raise FetchError(reason, f"{host} does not resolve") from error
        if not addresses:
            raise FetchError(Reason.HOST_UNKNOWN, f"{host} has no address")
        return addresses


def check_addresses(
    host: str, port: int, addresses: Sequence[str], allow: Sequence[IntranetAllowance]
) -> None:
    """Refuse a host whose addresses may not be connected to on a port.

    Raises:
        FetchError: `address_refused`.
    """
    if is_allowed(host, port, addresses, allow):
        return
    if denied := first_denial(addresses):
        raise FetchError(Reason.ADDRESS_REFUSED, f"{host} resolves to {denied}")
    if not is_web_port(port):
        raise FetchError(Reason.ADDRESS_REFUSED, f"port {port} of {host} is not a web port")


@contextmanager
def reaching(endpoints: Sequence[Endpoint]) -> Iterator[None]:
    """Let connections be opened to these alone while inside, by this task."""
    token = _vetted.set(endpoints)
    try:
        yield
    finally:
        _vetted.reset(token)


def vetted_connector(tls: ssl.SSLContext, connections: int) -> aiohttp.TCPConnector:
    """A pool of connections that are opened to what `reaching` names, and to nothing else.

    Args:
        tls: verifies certificates.
        connections: in use at once.
    """
    connector = aiohttp.TCPConnector(
        ssl=tls,
        limit=connections,
        use_dns_cache=False,
        resolver=_Vetted(),
        socket_factory=vetted_socket,
        keepalive_timeout=_IDLE_S,
    )
    handler = partial(BoundedHandler, loop=asyncio.get_running_loop())
    connector._factory = handler  # type: ignore[assignment]  # there is no public way
    return connector


def vetted_socket(addr_info: AddrInfoType) -> socket.socket:
    """A socket for one address; the library asks for it before it connects, for IP hosts as well.

    Raises:
        FetchError: nobody has vetted the address.
        OpenFilesError: this process may open no further socket.
    """
    family, kind, protocol, _, address = addr_info
    if tuple(address[:2]) not in _vetted.get(()):
        raise FetchError(Reason.ADDRESS_REFUSED, f"{address[0]} port {address[1]} was not vetted")
    try:
        return socket.socket(family, kind, protocol)
    except OSError as error:
        if error.errno not in {errno.EMFILE, errno.ENFILE}:
            raise
        raise OpenFilesError(
            "Too many open files for another connection: lower `fetch.concurrency`, "
            "or allow more by `ulimit -n 4096`; a later run goes on where this one stopped"
        ) from error


class BoundedHandler(ResponseHandler):
    """Reads no more from the wire than it is told, and a head apart from its body.

    What frames a body counts as well: a server may send one byte a chunk, or a size that does not
    end. And the library drops an answer that is followed by more than its head declares, such as a
    204 with a body, only where all arrives at once: how it is classed would depend on the time.

    Attributes:
        max_bytes: of one answer; those of a head at first.
        is_over: whether more came; the connection is then closed.
    """

    max_bytes = MAX_HEAD_BYTES
    is_over = False
    _in_head = True
    _num_read = 0

    def set_response_params(self, **params: Any) -> None:
        self.max_bytes, self._num_read, self._in_head = MAX_HEAD_BYTES, 0, True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        self._num_read += len(data)
        if self._num_read > self.max_bytes:
            self.is_over = True
            if self.transport is not None:
                self.transport.abort()
            return
        end = data.find(b"\r\n\r\n") + 4 if self._in_head else 0
        if end > 3:
            self._in_head = False
            super().data_received(data[:end])
            data = data[end:]
        if data:
            super().data_received(data)


class _Vetted(AbstractResolver):
    """Answers with the vetted endpoints of the request that asks."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=vetted_port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address, vetted_port in _vetted.get()
        ]

    async def close(self) -> None:
        """Nothing to close."""
