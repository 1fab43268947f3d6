"""Hand strangers' bytes to a reader in a process of its own, which tells what became of each file.

The process is started again where it dies, so a crash costs one file, and is counted.
"""

import json
import re
import resource
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import judges

_SIZE = struct.Struct(">I")


@dataclass
class Judged:
    """What became of many files.

    Args:
        outcomes: `ok` or the reason, in the order of the files.
        crashes: numbers of the files with which a process died.
        peak_bytes: the most memory that any process held.
    """

    outcomes: list[str] = field(default_factory=list)
    crashes: list[int] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def counts(self) -> Counter[str]:
        """How many files had which outcome."""
        return Counter(self.outcomes)


def judge_all(judge: str, files: Iterable[bytes]) -> Judged:
    """Judge each file in a process that this one does not share memory with.

    Args:
        judge: name of a function of `tests.support.judges`.
        files: their contents.
    """
    judged, worker = Judged(), _start(judge)
    try:
        for number, encoded in enumerate(files):
            answer = _ask(worker, encoded)
            if answer is None:
                judged.crashes.append(number)
                judged.outcomes.append(f"died with {_stop(worker)}")
                worker = _start(judge)
            else:
                judged.outcomes.append(answer["outcome"])
                judged.peak_bytes = max(judged.peak_bytes, answer["peak_bytes"])
    finally:
        _stop(worker)
    return judged


def _start(judge: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.judging", judge]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _ask(worker: subprocess.Popen[bytes], encoded: bytes) -> dict[str, Any] | None:
    """The answer; None where the process has died."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(_SIZE.pack(len(encoded)) + encoded)
        worker.stdin.flush()
        line = worker.stdout.readline()
    except BrokenPipeError:
        return None
    return json.loads(line) if line.endswith(b"\n") else None


def _stop(worker: subprocess.Popen[bytes]) -> int:
    """Its exit code."""
    assert worker.stdin is not None
    with worker, suppress(BrokenPipeError):
        worker.stdin.close()
    return worker.returncode


def _asked() -> Iterator[bytes]:
    while head := sys.stdin.buffer.read(_SIZE.size):
        yield sys.stdin.buffer.read(*_SIZE.unpack(head))


def _peak_bytes() -> int:
    """The most memory that this process has held, or one that it started and that has ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return 1024 * max(ended, _high_water_kib("self"), *map(_high_water_kib, _children()))


def _children() -> list[str]:
    lists = Path("/proc/self/task").glob("*/children")
    return [pid for path in lists for pid in path.read_text().split()]


def _high_water_kib(pid: str) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has just ended
    return int(found[1]) if found else 0


def _main(name: str) -> None:
    judge = getattr(judges, name)
    for encoded in _asked():
        answer = {"outcome": judge(encoded), "peak_bytes": _peak_bytes()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1])
