"""A web server on loopback that costs little: one thread, kept connections, whole answers.

It runs in a process of its own, so that its CPU time is not that of what is measured, and ends
with the process that started it, since then its standard input ends.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Answer = Callable[[str, str], bytes]  # host without port, path -> the response with its headers

_END = b"\r\n\r\n"


def response(body: bytes, kind: str = "image/jpeg", status: int = 200, *headers: str) -> bytes:
    """A whole HTTP/1.1 response that keeps the connection."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + _END + body


NOT_FOUND = response(b"no", "text/plain", 404)


class _Connection(asyncio.Protocol):
    """Takes requests without a body; what is done with each is `asked`."""

    def __init__(self, asked: Callable[[asyncio.Transport, str, str], None]) -> None:
        self._asked, self._received = asked, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while _END in self._received:
            head, _, self._received = self._received.partition(_END)
            first, *lines = head.decode("latin-1").split("\r\n")
            named = (line.partition(":") for line in lines)
            host = next((value for name, _, value in named if name.lower() == "host"), "")
            self._asked(self._transport, host.strip().partition(":")[0], first.split(" ")[1])


def serve(answer: Answer) -> None:
    """Print the port, and answer until standard input ends."""
    listen(lambda transport, host, path: transport.write(answer(host, path)))


def listen(asked: Callable[[asyncio.Transport, str, str], None], backlog: int = 1024) -> None:
    """The same, with all requests given to a function: where to write, host, path."""
    asyncio.run(_listen(asked, backlog))


async def _listen(asked: Callable[[asyncio.Transport, str, str], None], backlog: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(asked), "127.0.0.1", 0, backlog=backlog)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def running(module: str, *arguments: object) -> Iterator[int]:
    """The port of a module that serves when it is run, until the block ends."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def _files_of(folder: Path) -> Answer:
    """Each file under its name on every host; 404 for the rest, robots.txt included."""
    answers = {f"/{path.name}": response(path.read_bytes()) for path in folder.iterdir()}
    return lambda _, path: answers.get(path, NOT_FOUND)


if __name__ == "__main__":
    serve(_files_of(Path(sys.argv[1])))
