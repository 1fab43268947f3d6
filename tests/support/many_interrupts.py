"""Ctrl-C at random moments of `dalle run`, until it is finished: the exit code and what is left.

Usage: python -m tests.support.many_interrupts NUMBER [ARGUMENTS OF dalle run, such as --workers 2]
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import DALLE, checksums, dalle, environment
from tests.support.tiny_run import MODELS, write_tiny_config

STOPPED = "dalle: stopped; finished shards are kept, and the same command goes on from there"
LATEST = 1.2  # times the seconds of a whole run: some signals come after the end


@dataclass(frozen=True)
class Ended:
    """A command that got a signal.

    Args:
        code: its exit code.
        said: what it printed.
        was_running: whether it still ran when the signal came.
        orphans: processes of its group that are alive after it.
    """

    code: int
    said: str
    was_running: bool
    orphans: tuple[int, ...]

    @property
    def is_right(self) -> bool:
        """Whether a command that was stopped says so, and one that was not has finished."""
        if not self.was_running:
            return self.code == 0
        is_quiet = "Traceback" not in self.said and "Exception ignored" not in self.said
        return self.code == 130 and self.said.count(STOPPED) == 1 and is_quiet and not self.orphans


def interrupt(seconds: float, arguments: Sequence[object], *, times: int = 1) -> Ended:
    """Start a command, and send Ctrl-C to its whole group after a while, as a terminal does.

    Args:
        seconds: after the command has begun to watch for signals; before that Python is starting.
        arguments: of `dalle`.
        times: how often the signal is sent.
    """
    process = start(arguments)
    wait_until_watching(process)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.05)
    said, _ = process.communicate(timeout=120)
    was_running = STOPPED in said or process.returncode != 0
    return Ended(process.returncode, said, was_running, group_members(process.pid))


def start(arguments: Sequence[object]) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [DALLE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in background
    )


def wait_until_watching(process: subprocess.Popen[str]) -> None:
    """Wait until a process handles SIGTERM, which Python by itself does not."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)


def group_members(group: int, *, wait_s: float = 10) -> tuple[int, ...]:
    """Processes of a group, as Linux lists them; they get a moment to end."""
    deadline = time.monotonic() + wait_s
    while (found := _members(group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _members(group: int) -> tuple[int, ...]:
    listed = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return tuple(int(pid) for pid, of, state in rows if int(of) == group and state[0] != "Z")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(number: str, *options: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = write_tiny_config(folder, MODELS)
        started = time.monotonic()
        arguments = ["run", "--config", config, "--dir", folder / "undisturbed"]
        dalle(*arguments, env=environment())  # imports and all
        expected = checksums(folder / "undisturbed")
        latest, moments = LATEST * (time.monotonic() - started), random.Random(9)
        table: Counter[tuple[int, bool]] = Counter()
        for index in range(int(number)):
            root = folder / f"run-{index}"
            arguments = ["run", "--config", config, "--dir", root, *options]
            moment = moments.uniform(0.05, latest)
            ended = interrupt(moment, arguments, times=1 + index % 2)
            dalle(*arguments)
            is_right = ended.is_right and checksums(root) == expected
            table[ended.code, is_right] += 1
            if not is_right:
                _say(f"after {moment:.2f} s: exit {ended.code}, left {ended.orphans}\n{ended.said}")
    for (code, is_right), count in sorted(table.items()):
        _say(f"exit {code:<4} {'right' if is_right else 'WRONG'} {count:>5}")
    return 0 if all(is_right for _, is_right in table) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
