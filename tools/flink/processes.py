"""Processes that outlive the command that starts them, known by files with their ids."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dalle_model.errors import DalleError

POLL_S = 0.1
END_S = 10.0  # chosen: a JVM that is told to end does so in two
LAST = 1500  # characters of a log that an error shows


class ProcessError(DalleError):
    """A process has ended, or has not said in time that it is ready."""


@dataclass(frozen=True)
class Processes:
    """Those of one folder: `NAME.pid` holds the id and the start time, `NAME.log` what was printed.

    An id alone may be another process's by now; with the start time it is one process's for as
    long as the machine is up.
    """

    folder: Path

    def start(self, name: str, command: Sequence[str], **variables: str) -> int:
        """Start a process in a session of its own, which no Ctrl-C reaches."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | variables,
                start_new_session=True,
            )
        self._file(name).write_text(f"{process.pid} {_state(process.pid)[1]}")
        return process.pid

    def pid(self, name: str) -> int | None:
        """Its id; None where it has ended or was never started."""
        try:
            pid, started = self._file(name).read_text().split()
        except FileNotFoundError:
            return None
        state, found = _state(int(pid))
        return int(pid) if found == started and state not in {"Z", "X"} else None

    def names(self) -> list[str]:
        """All that were started and not stopped, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.pid"))

    def log(self, name: str) -> Path:
        """What it prints."""
        return self.folder / f"{name}.log"

    def wait_until_said(self, name: str, said: str, seconds: float) -> None:
        """Wait until the log of a process holds a text.

        Raises:
            ProcessError: it ends first, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while said not in (text := self.log(name).read_text(errors="replace")):
            if self.pid(name) is None or time.monotonic() > deadline:
                ended = "has ended" if self.pid(name) is None else f"says nothing for {seconds:g} s"
                raise ProcessError(f"{name} {ended}; its log {self.log(name)}:\n{text[-LAST:]}")
            time.sleep(POLL_S)

    def wait_until_ended(self, name: str, seconds: float) -> None:
        """Wait for a process that ends by itself.

        Raises:
            ProcessError: the time is over; the process goes on.
        """
        deadline = time.monotonic() + seconds
        while self.pid(name) is not None:
            if time.monotonic() > deadline:
                raise ProcessError(f"{name} runs for {seconds:g} s; its log is {self.log(name)}")
            time.sleep(POLL_S)
        self._file(name).unlink(missing_ok=True)

    def stop(self, names: Sequence[str]) -> None:
        """End processes together: SIGTERM first, SIGKILL for those that stay."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._running(names):
                os.kill(pid, number)
            deadline = time.monotonic() + END_S
            while [*self._running(names)] and time.monotonic() < deadline:
                time.sleep(POLL_S)
        for name in names:
            self._file(name).unlink(missing_ok=True)

    def _running(self, names: Sequence[str]) -> Iterator[int]:
        yield from (pid for name in names if (pid := self.pid(name)) is not None)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"


def _state(pid: int) -> tuple[str, str]:
    """State and start time of a process; empty where there is none.

    Source: proc(5), /proc/PID/stat: fields 3 and 22; the name before them may hold spaces.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    return fields[0], fields[19]


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def memory(pid: int) -> int:
    """Bytes of a process in memory, shared pages counted in part.

    Source: proc(5), /proc/PID/smaps_rollup.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
