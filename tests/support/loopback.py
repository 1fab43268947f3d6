"""A web on this machine for tests: routes by host and path, every request recorded."""

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SUFFIX = ".demo.test"
Handler = Callable[["Request", socket.socket], None]


@dataclass(frozen=True)
class Request:
    """What a client requested."""

    host: str
    path: str
    headers: dict[str, str]


@dataclass
class Web:
    """A server of raw sockets, one thread a connection, one request a connection.

    Args:
        routes: `(host, path)` to a function that writes to the socket; else 404.
        asked: `host + path` of every request, in order of arrival.
        most_active: the most pages of one host that were being made at once.
    """

    port: int = 0
    routes: dict[tuple[str, str], Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_active: Counter[str] = field(default_factory=Counter)
    _active: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def route(self, url: str, handler: Handler) -> None:
        """Answer `host/path` by a function."""
        host, _, path = url.partition("/")
        self.routes[host, "/" + path] = handler

    def page(
        self,
        url: str,
        body: bytes = b"picture",
        status: int = 200,
        headers: list[tuple[str, str]] | None = None,
        wait_s: float = 0.0,
    ) -> None:
        """Answer `host/path` by fixed bytes, perhaps after a while."""

        def handler(request: Request, connection: socket.socket) -> None:
            with self._counted(request.host):  # ends before the client can know that it is over
                time.sleep(wait_s)
            connection.sendall(answer(body, status, headers))

        self.route(url, handler)

    def serve(self, connection: socket.socket) -> None:
        """Read one request and let its route answer it."""
        with connection:
            request = _read_request(connection)
            if request is None:
                return
            with self._lock:
                self.asked.append(request.host + request.path)
                self.headers.append(request.headers)
            with suppress(OSError):  # the client went away, as many tests want it to
                self.routes.get((request.host, request.path), _not_found)(request, connection)

    @contextmanager
    def _counted(self, host: str) -> Iterator[None]:
        with self._lock:
            self._active[host] += 1
            self.most_active[host] = max(self.most_active[host], self._active[host])
        yield
        with self._lock:
            self._active[host] -= 1


def answer(
    body: bytes = b"", status: int = 200, headers: list[tuple[str, str]] | None = None
) -> bytes:
    """A whole HTTP/1.1 answer; Content-Length is right unless the headers give their own."""
    pairs = list(headers or [])
    names = {name.lower() for name, _ in pairs}
    if not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"HTTP/1.1 {status} X", *(f"{n}: {v}" for n, v in pairs), "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def loopback_web(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A running `Web` on an ephemeral port; its threads end with the block."""
    web, threads = Web(), []
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    web.port = listener.getsockname()[1]

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # a client that refuses the certificate is one
            web.serve(tls.wrap_socket(connection, server_side=True) if tls else connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the block has ended
            connection.settimeout(60)  # longer than any client waits, also on a busy machine
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield web
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(timeout=5)
        for thread in threads:
            thread.join(timeout=5)


def _read_request(connection: socket.socket) -> Request | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = connection.recv(65536)
        if not piece:
            return None
        raw += piece
    first, *lines = raw.split(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    return Request(headers["host"].partition(":")[0], first.split(" ")[1], headers)


def _not_found(_: Request, connection: socket.socket) -> None:
    connection.sendall(answer(status=404))
