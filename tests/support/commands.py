"""Run the command line as a user does: in a process of its own."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

DALLE = str(Path(sys.executable).with_name("dalle"))
NOT_COMPARED = {"timings.json", "config.json"}
DATA_STAGES = ("crawl", "captions", "fetch", "images", "dedupe", "encode")


def dalle(
    *arguments: object, check: bool = True, **keywords: Any
) -> subprocess.CompletedProcess[str]:
    """`dalle …`; with `check`, a failure shows what it printed."""
    command = [DALLE, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280, **keywords)
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


def checksums(root: Path) -> dict[str, str]:
    """SHA-256 of every file of the data stages, by path; seconds and hosts are left out."""
    found = {}
    for stage in DATA_STAGES:
        for path in sorted((root / stage).rglob("*")):
            if path.is_file() and path.name not in NOT_COMPARED:
                found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def environment(**extra: str) -> dict[str, str]:
    """This process's environment with the venv's programs first, which Beam's worker pool needs."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path} | extra
