"""What a decoder of the sandbox calls in tests: it does as its image says."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NoReturn

import numpy as np

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import Measured, measure

ORDER = b"order:"
LINE = 3  # the descriptor of a decoder that leads to the worker


def obey(encoded: bytes, config: ImagesConfig, compares: bool = False) -> Measured:
    """Measure an image; or do what stands behind `ORDER` in its place."""
    _, found, name = encoded.partition(ORDER)
    if found:
        ORDERS[name.decode()]()
    return measure(encoded, config, compares)


def _segmentation_fault() -> None:
    ctypes.string_at(8)


def _hang() -> NoReturn:
    while True:
        time.sleep(1)


def _spin() -> NoReturn:
    while True:
        pass


def _use_memory() -> NoReturn:
    held = []
    while True:
        held.append(np.empty(1 << 28, np.uint8))


def _lie() -> None:
    os.write(LINE, b"\1" + b"\xff" * 200)


def _leave_the_line() -> NoReturn:
    os.close(LINE)
    _hang()


def _try_everything() -> None:
    """Reach for what a decoder must not have; exits with 7 where anything succeeds."""
    attempts = [
        lambda: Path("/etc/hostname").read_bytes(),
        lambda: Path("/tmp/dalle-was-here").write_bytes(b"x"),
        socket.socket,
        lambda: socket.create_connection(("127.0.0.1", 9)),
        os.fork,
        lambda: subprocess.run(["true"]),
        os.pipe,
        lambda: os.memfd_create("x"),
        lambda: os.kill(os.getppid(), 0),
        lambda: ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 or _fail(),
        lambda: os.unlink("/tmp/dalle-is-not-here") or _fail(),  # noqa: PTH108
    ]
    for attempt in attempts:
        with contextlib.suppress(Exception):
            attempt()
            os._exit(7)


def _fail() -> NoReturn:
    raise OSError


ORDERS = {
    "SEGV": _segmentation_fault,
    "ABRT": os.abort,
    "exit": lambda: os._exit(3),
    "exit well": lambda: os._exit(0),
    "kill": lambda: signal.raise_signal(signal.SIGKILL),
    "hang": _hang,
    "spin": _spin,
    "memory": _use_memory,
    "raise": lambda: 1 / 0,
    "lie": _lie,
    "leave": _leave_the_line,
    "everything": _try_everything,
}
