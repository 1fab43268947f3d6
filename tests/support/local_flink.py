"""The local Flink cluster as a test uses it: commands inside its network, and whom to kill."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dalle_model.config import DvaeConfig
from tests.support.codecs import write_codec
from tests.support.commands import DALLE
from tools.flink import loopback
from tools.flink.__main__ import NETWORK
from tools.flink.cluster import REST, TASK_MANAGERS, beam_options
from tools.flink.processes import Processes, children

ROOT = Path(__file__).resolve().parents[2]
QUIET_LIMIT_S = 180  # of each command, where nothing else is at work
DEMO = ROOT / "demo"
ENDED = {"FINISHED", "FAILED", "CANCELED"}  # Source: Flink, `JobStatus`


class LocalFlink:
    """A cluster with a folder of its own; see `tools.flink`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, Processes(folder)

    def manage(self, command: str, limit_s: float = 1800) -> str:
        """`python -m tools.flink up` and the like; a failure shows what it printed."""
        module = [sys.executable, "-m", "tools.flink", "--folder", str(self.folder), command]
        result = subprocess.run(module, capture_output=True, text=True, cwd=ROOT, timeout=limit_s)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        """`dalle run …` on the cluster; the process is the driver itself."""
        command = [DALLE, "run", *map(str, arguments), *beam_options(self.folder)]
        return subprocess.Popen(
            [*self._entered(), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: object) -> str:
        """A run to its end, which must be a good one; what it printed."""
        process = self.start(*arguments)
        said = ended(process)
        assert process.returncode == 0, said
        return said

    def said(self, *arguments: object) -> str:
        """What `dalle …` prints in the network of the cluster."""
        return self._inside(DALLE, *map(str, arguments))

    def jobs(self) -> list[str]:
        """The states of all jobs in Flink's words, in the order of their starts."""
        url = f"http://localhost:{REST}/jobs/overview"
        fetch = f"import urllib.request; print(urllib.request.urlopen({url!r}).read().decode())"
        found = json.loads(self._inside(sys.executable, "-c", fetch))["jobs"]
        return [str(job["state"]) for job in sorted(found, key=lambda job: job["start-time"])]

    def wait_until_no_job_runs(self) -> None:
        """Wait for the end of jobs whose driver is gone."""
        deadline = time.monotonic() + limit_s()
        while not {*self.jobs()} <= ENDED:
            assert time.monotonic() < deadline, self.jobs()
            time.sleep(0.5)

    def _inside(self, *command: str) -> str:
        inside = [*self._entered(), *command]
        result = subprocess.run(inside, capture_output=True, text=True, timeout=limit_s())
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def _entered(self) -> list[str]:
        network = self.processes.pid(NETWORK)
        assert network is not None, "no cluster runs"
        return loopback.entered(network)

    def harnesses(self) -> list[int]:
        """The Python processes below the TaskManagers."""
        managers = [self.processes.pid(name) for name in TASK_MANAGERS]
        return [child for pid in managers if pid is not None for child in children(pid)]

    def kill(self, pid: int | None) -> None:
        """SIGKILL for a process of the cluster."""
        assert pid is not None
        os.kill(pid, 9)


def limit_s() -> float:
    """The time after which a command hangs: longer where the machine has other work as well."""
    return QUIET_LIMIT_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def locally(*arguments: object) -> None:
    """`dalle run …` with one worker in process."""
    command = [DALLE, "run", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=limit_s())
    assert result.returncode == 0, result.stdout + result.stderr


def ended(process: "subprocess.Popen[str]") -> str:
    """What a command has printed, once it has ended; killed at its limit."""
    limit = limit_s()
    try:
        return process.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        said = process.communicate()[0]
        raise AssertionError(f"no end after {limit:.0f} s: {said}") from None


def wait_for(happened: Callable[[], Any], process: "subprocess.Popen[str]") -> None:
    """Wait for something that comes while a command runs."""
    deadline = time.monotonic() + limit_s()
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.05)


def write_demo_config(folder: Path) -> Path:
    """The demo's config without models: the data stages alone.

    Its codec takes some ten times as long as the one that ships, so that what ends a job after the
    first shard is encoded meets the others at work.
    """
    config = yaml.safe_load((DEMO / "config.yaml").read_text())
    codec = str(folder / "slow.safetensors")
    write_codec(codec, DvaeConfig(64, 1024, hidden=48, bottleneck=16, blocks_per_group=1))
    config["encode"]["codec"] = codec
    for section in ("prior", "zero_shot"):
        del config[section]
    archive = str(DEMO / config["replay"]["archive"])
    config["replay"]["archive"] = config["crawl"]["sources"][0]["path"] = archive
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
