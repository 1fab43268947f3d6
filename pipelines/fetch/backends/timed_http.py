"""A connection of `http.client` to vetted addresses, under one deadline and one cap on bytes.

`http.client` takes a timeout for each wait, by which a server that trickles bytes holds a thread
for ever, and reads a body of any length.
"""

import io
import socket
from collections.abc import Sequence
from functools import partial
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any

from pipelines.fetch.backends.walls import RefusedError, Walls, seconds_until
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.urls import SCHEMES

_PIECE_BYTES = 64 * 1024


class TimedConnection(HTTPConnection):
    """A connection for one request.

    Args:
        host: with the port, where the URL names one.
        timeout: of `http.client`; the deadline is never later.
        walls: which addresses it may connect to, and the cap.
        url: asked for, in canonical form.
        end: the deadline, by the monotonic clock in seconds.
    """

    def __init__(self, host: str, timeout: float, *, walls: Walls, url: str, end: float) -> None:
        scheme = url.partition(":")[0]
        self.default_port = SCHEMES[scheme]
        super().__init__(host, timeout=timeout)
        self._walls, self._is_secure, self._end = walls, scheme == "https", end
        answer = partial(_Response, cap=walls.settings.max_bytes, of=url)
        self.response_class = answer  # type: ignore[assignment]

    def connect(self) -> None:
        addresses, port = self._walls.addresses(self.host, self.port, self._end)
        stream = self._open(addresses, port)
        try:
            if self._is_secure:
                stream.settimeout(seconds_until(self._end))
                stream = self._walls.tls.wrap_socket(stream, server_hostname=self.host)
        except BaseException:
            stream.close()
            raise
        self.sock = _TimedSocket(stream, self._end)

    def _open(self, addresses: Sequence[str], port: int) -> socket.socket:
        for position, address in enumerate(addresses):
            share_s = seconds_until(self._end) / (len(addresses) - position)
            try:
                return socket.create_connection((address, port), share_s)
            except OSError:
                if position == len(addresses) - 1:
                    raise
        raise AssertionError("a host has at least one address")


class _Response(HTTPResponse):
    """An answer whose body is read up to a cap."""

    def __init__(self, sock: Any, *args: Any, cap: int, of: str, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        self._cap, self._of = cap, of

    def read(self, amt: int | None = None) -> bytes:
        if amt is not None:
            return super().read(amt)
        if self.length is not None and self.length > self._cap:
            raise self._too_large(self.length)
        body = bytearray()
        while piece := super().read(_PIECE_BYTES):
            body += piece
            if len(body) > self._cap:
                raise self._too_large(None)
        if self.length:  # `http.client` says so only where it reads all at once
            raise IncompleteRead(bytes(body), self.length)
        return bytes(body)

    def _too_large(self, declared: int | None) -> RefusedError:
        detail = f"declared by {self._of}" if declared else f"from {self._of}"
        return RefusedError(FetchFailure(Reason.TOO_LARGE, detail, declared, self._cap))


class _TimedSocket:
    """What `http.client` needs of a socket, each wait until a deadline at the latest."""

    def __init__(self, stream: socket.socket, end: float) -> None:
        self._stream, self._end = stream, end

    def sendall(self, content: bytes) -> None:
        self._stream.settimeout(seconds_until(self._end))
        self._stream.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._stream, self._end))

    def close(self) -> None:
        self._stream.close()  # the reader keeps it open until it is closed itself


class _TimedReader(io.RawIOBase):
    """A timeout for each read would let a server trickle bytes for ever: this one is for all."""

    def __init__(self, stream: socket.socket, end: float) -> None:
        self._stream, self._end = stream, end
        self._raw = stream.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._stream.settimeout(seconds_until(self._end))
        return self._raw.readinto(buffer) or 0

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
