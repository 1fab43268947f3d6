"""Run the command line as a user does: in a process of its own."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import forked

DALLE = str(Path(sys.executable).with_name("dalle"))
# A user's command does not find what only tests need. Beam and PyArrow import pandas wherever it is
# installed, which takes each process most of a second.
UNINSTALLED = str(Path(__file__).with_name("uninstalled"))
NOT_COMPARED = {"timings.json", "config.json"}
TIMEOUT_S = 280
DATA_STAGES = ("crawl", "captions", "fetch", "images", "dedupe", "encode")


def dalle(
    *arguments: object, check: bool = True, cwd: Path | None = None, **keywords: Any
) -> subprocess.CompletedProcess[str]:
    """`dalle …`; with `check`, a failure shows what it printed.

    Its process is forked from one that has imported what commands need. With further keywords, such
    as an environment of its own, it is a new program.
    """
    command = [DALLE, *map(str, arguments)]
    if keywords:
        given = {"env": environment()} | keywords
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=cwd, **given
        )
    else:
        result = forked.command(command, environment(), cwd, TIMEOUT_S)
    if check and result.returncode != 0:
        raise AssertionError(f"{command}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def killed(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Kill a process and its group after a while; False if it had ended."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def checksums(root: Path, stages: Sequence[str] = DATA_STAGES) -> dict[str, str]:
    """SHA-256 of every file of some stages, by path; seconds and hosts are left out."""
    found = {}
    for stage in stages:
        for path in sorted((root / stage).rglob("*")):
            if path.is_file() and path.name not in NOT_COMPARED:
                found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def environment(**extra: str) -> dict[str, str]:
    """That of a command: without what only tests need, and with the venv's programs first.

    Beam's worker pool needs those.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    given = extra.pop("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    packages = os.pathsep.join(filter(None, [UNINSTALLED, given]))
    return os.environ | {"PATH": path, "PYTHONPATH": packages} | extra
