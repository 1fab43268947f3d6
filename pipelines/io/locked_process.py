"""A process that is asked about untrusted bytes, and can do nothing but answer.

One that crashes, hangs or runs out of memory costs the image that it was at, and is replaced. It
has read strangers' bytes, so of its answers nothing is taken but numbers, each with a range, and
short texts.
"""

import atexit
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

DEADLINE_S = 20.0  # chosen: 40 times what an image of 100 megapixels takes

_QUESTION = struct.Struct("<Q")  # bytes of the file

Answer = TypeVar("Answer")
Read = Callable[[int], bytes]


@dataclass(frozen=True)
class Unseen:
    """Bytes of which nothing can be told, and why."""

    why: str


class LockedProcess(Generic[Answer]):
    """The one process of a kind of this process, started when it is first asked.

    Args:
        module: that it runs, with the number of its socket as argument; it calls `serve`.
        read: takes an answer from the line; raises `EOFError` where it is none that is ever given.
    """

    def __init__(self, module: str, read: Callable[[Read], Answer]) -> None:
        self._module, self._read = module, read
        self._child: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._lock = threading.Lock()
        atexit.register(self.end)

    def ask(self, encoded: bytes) -> Answer | Unseen:
        """What the process says of some bytes."""
        with self._lock:
            if self._line is None:
                self._child, self._line = _start(self._module)
            try:
                deadline = time.monotonic() + DEADLINE_S
                return answered(self._line, encoded, deadline, self._read)
            except (OSError, EOFError) as error:
                self.end()
                what = "hung" if isinstance(error, TimeoutError) else "crashed"
                return Unseen(f"the decoder has {what}")

    def end(self) -> None:
        """End the process; the next question starts another one."""
        child, self._child, line, self._line = self._child, None, self._line, None
        if line is not None:
            line.close()
        if child is not None:
            child.kill()
            child.wait()


def answered(
    line: socket.socket, encoded: bytes, deadline: float, read: Callable[[Read], Answer]
) -> Answer:
    """The answer that comes over a line.

    Raises:
        EOFError: it is none, or the line has ended.
        TimeoutError: there was none by the deadline.
    """

    def receive(size: int) -> bytes:
        line.settimeout(_left(deadline))
        return line.recv(size)

    line.settimeout(_left(deadline))
    line.sendall(_QUESTION.pack(len(encoded)) + encoded)
    return read(lambda size: _whole(receive, size))


def serve(line: socket.socket, answer: Callable[[bytes], bytes]) -> None:
    """Answer until the line ends, as it does when who asks has ended."""
    while True:
        try:
            (size,) = _QUESTION.unpack(_whole(line.recv, _QUESTION.size))
        except EOFError:
            return
        line.sendall(answer(_whole(line.recv, size)))


def _start(module: str) -> tuple["subprocess.Popen[bytes]", socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is this process's to hear
        )
    return child, ours


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _whole(receive: Callable[[int], bytes], size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        received = receive(size - len(content))
        if not received:
            raise EOFError
        content += received
    return bytes(content)
