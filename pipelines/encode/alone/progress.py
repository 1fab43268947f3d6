"""A line that says how far an encoding is, on standard error."""

import sys
import time
from threading import Lock

TERMINAL_S, LOG_S = 1.0, 10.0  # between two lines; chosen: as the progress of `dalle`


class Progress:
    """Counts shards and images; safe to be told by several threads.

    Args:
        shards: to do.
        before: shards that were finished before.
    """

    def __init__(self, shards: int, before: int) -> None:
        self._lock, self._is_terminal = Lock(), sys.stderr.isatty()
        self._todo, self._before = shards, before
        self._done = self._rows = 0
        self._began = self._told = time.monotonic()
        if before:
            self._write(f"encode  {before:,} of {before + shards:,} shards were finished before\n")

    def rows(self, count: int) -> None:
        """Some more images were taken up."""
        with self._lock:
            self._rows += count
            self._tell()

    def shard(self) -> None:
        """One more shard is written."""
        with self._lock:
            self._done += 1
            self._tell()

    def end(self) -> None:
        """Say how it went, if there was anything to do."""
        if self._todo:
            self._write(f"{self._start}{self._line()}\n")

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= (TERMINAL_S if self._is_terminal else LOG_S):
            self._told = now
            self._write(f"{self._start}{self._line()}{'' if self._is_terminal else chr(10)}")

    @property
    def _start(self) -> str:
        return "\r\x1b[K" if self._is_terminal else ""  # Source: ECMA-48, CR and EL

    def _line(self) -> str:
        passed = max(time.monotonic() - self._began, 1e-9)
        left = ""
        if self._done:
            left = f", {passed / self._done * (self._todo - self._done):,.0f} s left"
        shards = f"{self._before + self._done:,} of {self._before + self._todo:,} shards"
        return f"encode  {shards}, {self._rows:,} images, {self._rows / passed:,.1f}/s{left}"

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
