"""A Flink cluster of one JobManager and two TaskManagers, and Beam's job server, on this machine.

What is here runs inside a network whose only interface is loopback (`loopback.py`), so the ports
can be fixed and several clusters do not meet.
"""

import json
import shlex
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.flink.packages import Packages
from tools.flink.processes import POLL_S, ProcessError, Processes
from tools.flink.versions import INFRA

CONFIG = INFRA / "cluster"
ENTRY = "org.apache.flink.runtime"
JOB_MANAGER, JOB_SERVER, TASK_MANAGERS = (
    "jobmanager",
    "jobserver",
    ("taskmanager-1", "taskmanager-2"),
)
JVMS = {
    JOB_MANAGER: ("JM", f"{ENTRY}.entrypoint.StandaloneSessionClusterEntrypoint"),
    **dict.fromkeys(TASK_MANAGERS, ("TM", f"{ENTRY}.taskexecutor.TaskManagerRunner")),
}
BOOT = "boot"  # the program that a TaskManager starts for a harness
REST, JOB_PORT, ARTIFACT_PORT = 8081, 8099, 8098  # the defaults of Flink and of the job server
START_S = 120.0  # chosen: 8 s on a quiet machine of two cores
PREFIX = "BASH_JAVA_UTILS_EXEC_RESULT:"  # Source: Flink 1.19.3, BashJavaUtils.EXECUTION_PREFIX


@dataclass(frozen=True)
class Cluster:
    """The cluster whose files are in one folder.

    Args:
        folder: logs, process ids, and what Flink puts on disk.
        packages: what it is started from.
    """

    folder: Path
    packages: Packages

    @property
    def processes(self) -> Processes:
        """All of the cluster but the holder of its network."""
        return Processes(self.folder)

    def start(self) -> None:
        """Start what does not run, and wait until all of it is ready.

        Raises:
            ProcessError: a process has ended, or is not ready in time.
        """
        write_boot(self.folder / BOOT)
        missing = [name for name in JVMS if self.processes.pid(name) is None]
        kinds = sorted({JVMS[name][0] for name in missing})
        for kind in kinds:
            self._ask_for_sizes(kind)
        if self.processes.pid(JOB_SERVER) is None:
            self._start_job_server()
        sizes = {kind: self._sizes(kind) for kind in kinds}
        for name in missing:
            self._start_jvm(name, *sizes[JVMS[name][0]])
        self._wait_for_task_managers()
        self.processes.wait_until_said(JOB_SERVER, "JobService started", START_S)

    def _start_jvm(self, name: str, of_memory: list[str], settings: list[str]) -> None:
        place = self.folder / "tmp" / name  # a job's jar is copied there for each job and process
        place.mkdir(parents=True, exist_ok=True)
        own = [f"-Dio.tmp.dirs={place}"]
        own += [f"-Dtaskmanager.resource-id={name}"] if name in TASK_MANAGERS else []
        log4j = f"-Dlog4j.configurationFile={CONFIG / 'log4j.properties'}"
        log = f"-Dlog.file={self.folder / name}.flink.log"
        java = ["java", *of_memory, *java_options(), log, log4j]
        main = ["-classpath", f"{self.packages.flink}/lib/*", JVMS[name][1]]
        self.processes.start(name, [*java, *main, "--configDir", str(CONFIG), *settings, *own])

    def _ask_for_sizes(self, kind: str) -> None:
        """Have Flink work out the memory of a kind of process, in a process of its own."""
        jars = f"{self.packages.flink}/bin/bash-java-utils.jar:{self.packages.flink}/lib/*"
        tool = [f"{ENTRY}.util.bash.BashJavaUtils", f"GET_{kind}_RESOURCE_PARAMS"]
        command = ["java", "-classpath", jars, *tool, "--configDir", str(CONFIG)]
        self.processes.start(f"sizes-{kind}", command)

    def _sizes(self, kind: str) -> tuple[list[str], list[str]]:
        """What Flink has worked out: options of the JVM, and settings."""
        name = f"sizes-{kind}"
        self.processes.wait_until_ended(name, START_S)
        said = self.processes.log(name).read_text().splitlines()
        found = [line.removeprefix(PREFIX).split() for line in said if line.startswith(PREFIX)]
        if len(found) != 2:
            raise ProcessError(f"Flink refuses its settings; see {self.processes.log(name)}")
        return found[0], found[1]

    def _wait_for_task_managers(self) -> None:
        deadline = time.monotonic() + START_S
        while self._registered() < set(TASK_MANAGERS):
            for name in (JOB_MANAGER, *TASK_MANAGERS):
                if self.processes.pid(name) is None or time.monotonic() > deadline:
                    log = self.folder / f"{name}.flink.log"
                    raise ProcessError(f"{name} has ended, or does not register: see {log}")
            time.sleep(POLL_S)

    def _registered(self) -> set[str]:
        try:
            return {one["id"] for one in self.rest("taskmanagers")["taskmanagers"]}
        except OSError:
            return set()

    def rest(self, path: str) -> Any:
        """An answer of Flink's REST API."""
        with urllib.request.urlopen(f"http://localhost:{REST}/{path}", timeout=10) as answer:
            return json.load(answer)

    def _start_job_server(self) -> None:
        artifacts = self.folder / "tmp" / "artifacts"
        ports = [
            f"--job-port={JOB_PORT}",
            f"--artifact-port={ARTIFACT_PORT}",
            "--expansion-port=-1",
        ]
        java = ["java", "-Xmx512m", "-jar", str(self.packages.job_server)]
        master = [f"--flink-master=localhost:{REST}", "--job-host=localhost", *ports]
        self.processes.start(JOB_SERVER, [*java, *master, f"--artifacts-dir={artifacts}"])


def beam_options(folder: Path) -> list[str]:
    """What `dalle run` passes to Beam to run on a cluster: one harness a TaskManager."""
    return [
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{JOB_PORT}",
        f"--artifact_endpoint=localhost:{ARTIFACT_PORT}",
        "--environment_type=PROCESS",
        f"--environment_option=process_command={folder / BOOT}",
        f"--parallelism={len(TASK_MANAGERS)}",
        "--sdk_worker_parallelism=1",
    ]


def java_options() -> list[str]:
    """What every JVM of Flink needs on Java 17, from the cluster's settings."""
    settings = yaml.safe_load((CONFIG / "config.yaml").read_text())
    return str(settings["env.java.opts.all"]).split()


def write_boot(path: Path) -> None:
    """Write the program that starts a harness in this very environment.

    A TaskManager can start a program, not a module. `-P` keeps its working directory off the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.join([sys.executable, "-P", "-m", "orchestration.beam.boot"])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
