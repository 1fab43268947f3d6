"""`python -m tools.flink.engines RUN FOLDER`: one run on every engine, and what each costs.

The run is finished in its data stages. On each engine, `images`, `dedupe` and `encode` are made of
its `fetch`, and `captions` of its `crawl`, whose work is so small that the cost is the engine's.
Every file must have the bytes of the run. Costs are CPU seconds of all processes, which other work
on the machine changes little, and the most memory that all of them had at once. Prism is built if
it is missing, which needs Go.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dalle_model.errors import DalleError
from tools.flink import loopback
from tools.flink.__main__ import HOME, NETWORK, down, up
from tools.flink.cluster import JOB_SERVER, JVMS, beam_options, write_boot
from tools.flink.packages import install_prism
from tools.flink.processes import Processes, children, memory

WORK = (("images", "dedupe", "encode"), ("captions",))
BEFORE = {"images": ("crawl", "captions", "fetch"), "captions": ("crawl",)}
LIMIT_S = 1800
SAMPLE_S = 2.0  # chosen: a look at a process costs it 10 ms
NOT_COMPARED = {"timings.json", "config.json"}
BEAM = "apache_beam.runners"


@dataclass(frozen=True)
class Cost:
    """What a command has cost.

    Args:
        wall_s: seconds.
        cpu_s: CPU seconds of all processes, servers included.
        peak: bytes, of all processes at once.
    """

    wall_s: float
    cpu_s: float
    peak: int


@dataclass(frozen=True)
class Engine:
    """Where a run is worked, while its servers are up.

    Args:
        name: for the table.
        options: what `dalle run` is given.
        servers: processes that work for it.
        network: the process whose network it is run in; None for this one's.
    """

    name: str
    options: Sequence[str]
    servers: Sequence[int] = ()
    network: int | None = None

    def run(self, stages: Sequence[str], config: Path, root: Path) -> Cost:
        """Make stages of a run.

        Raises:
            DalleError: the command has failed.
        """
        into = loopback.entered(self.network) if self.network else []
        command = [*into, sys.executable, "-m", "orchestration", "run", *stages]
        command += [f"--config={config}", f"--dir={root}", *self.options]
        before, started = cpu_s(self.servers), time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with watched([process.pid, *self.servers]) as peak:
            said = process.communicate(timeout=LIMIT_S)[0].decode(errors="replace")
        wall_s = time.monotonic() - started
        if process.returncode != 0:
            raise DalleError(f"{self.name}: `{' '.join(stages)}` ended badly:\n{said[-2000:]}")
        return Cost(wall_s, cpu_s(self.servers) - before, max(peak))


def cpu_s(servers: Sequence[int]) -> float:
    """CPU seconds of servers, and of all commands of this process, with the processes they ended.

    Source: proc(5), /proc/PID/stat: fields 14 to 17, of a process and of those it has waited for.
    """
    ticks = 0
    for one in (below for pid in servers for below in family(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ticks / os.sysconf("SC_CLK_TCK") + usage.ru_utime + usage.ru_stime


def family(pid: int) -> list[int]:
    """A process, and all below it."""
    return [pid, *(below for child in children(pid) for below in family(child))]


@contextmanager
def watched(pids: Sequence[int]) -> Iterator[list[int]]:
    """Inside, the list grows by the memory of all processes together."""
    found, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(SAMPLE_S):
            total = 0
            for pid in (below for one in pids for below in family(one)):
                try:
                    total += memory(pid)
                except OSError:  # it has just ended
                    continue
            found.append(total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


@contextmanager
def portable(folder: Path) -> Iterator[Engine]:
    """Beam's own job service, and a pool that starts workers by our boot program."""
    processes = Processes(folder / "portable")
    network = open_network(processes)
    write_boot(folder / "portable" / "boot")
    boot = f"--container_executable={folder / 'portable' / 'boot'}"
    pool = [f"{BEAM}.worker.worker_pool_main", "--service_port=50000", boot]
    service = [f"{BEAM}.portability.local_job_service_main", "--port=8099"]
    try:
        servers = [serve(processes, network, module) for module in (service, pool)]
        endpoint = ["--runner=PortableRunner", "--job_endpoint=localhost:8099"]
        where = ["--environment_type=EXTERNAL", "--environment_config=localhost:50000"]
        yield Engine("portable job service", [*endpoint, *where], servers, network)
    finally:
        processes.stop(processes.names())


def serve(processes: Processes, network: int, module: list[str]) -> int:
    """Start a module of Beam that serves, and wait until it does."""
    name = module[0].rpartition(".")[2]
    python = [*loopback.entered(network), sys.executable, "-m", *module]
    pid = processes.start(name, python)
    processes.wait_until_said(name, "tarted", LIMIT_S)
    return pid


@contextmanager
def prism(folder: Path, program: Path) -> Iterator[Engine]:
    """Prism, which the command itself starts."""
    processes = Processes(folder / "prism")
    network = open_network(processes)
    try:
        options = ["--runner=PrismRunner", f"--prism_location={program.absolute()}"]
        yield Engine("Prism", options, (), network)
    finally:
        processes.stop(processes.names())


@contextmanager
def flink(folder: Path) -> Iterator[Engine]:
    """The local cluster."""
    cluster = folder / "flink"
    try:
        up(cluster)
        processes = Processes(cluster)
        servers = [processes.pid(name) or 0 for name in (*JVMS, JOB_SERVER)]
        options = beam_options(cluster)
        yield Engine("Flink, two TaskManagers", options, servers, processes.pid(NETWORK))
    finally:
        down(cluster)


def open_network(processes: Processes) -> int:
    """A network with loopback alone; the process that holds it."""
    holder = [*loopback.OPEN, sys.executable, "-P", loopback.__file__]
    pid = processes.start(NETWORK, holder)
    processes.wait_until_said(NETWORK, loopback.UP, 60)
    return pid


def measure(engine: Engine, finished: Path, folder: Path) -> str:
    """The row of an engine; every file is compared.

    Raises:
        DalleError: a command has failed, or a file has other bytes.
    """
    costs = []
    for stages in WORK:
        root = folder / "runs" / engine.name.replace(" ", "-") / stages[0]
        shutil.rmtree(root, ignore_errors=True)
        for stage in BEFORE[stages[0]]:
            shutil.copytree(finished / stage, root / stage)
        costs.append(engine.run(stages, finished / "config.json", root))
        for stage in stages:
            if hashes(root / stage) != hashes(finished / stage):
                raise DalleError(f"{engine.name}: {stage} has other bytes than {finished}")
    work, start = costs
    rows = json.loads((finished / "images" / "manifest.json").read_text())["rows_in"]
    cells = [engine.name, f"{rows / work.cpu_s:.0f}", f"{work.cpu_s:.0f}", f"{work.wall_s:.0f}"]
    cells += [f"{start.cpu_s:.1f}", f"{start.wall_s:.1f}", f"{work.peak / 1e9:.1f}"]
    return f"| {' | '.join(cells)} |"


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a stage; seconds and hosts are left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in NOT_COMPARED
    }


def main(arguments: list[str]) -> None:
    """Print the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tools.flink.engines", description=__doc__)
    parser.add_argument("run", type=Path, help="finished run")
    parser.add_argument("folder", type=Path, help="for what is made here; emptied where it is used")
    options = parser.parse_args(arguments)
    finished, folder = options.run.absolute(), options.folder.absolute()
    for name, count in (("local, in process", 1), ("local, two workers", 2)):
        engine = Engine(name, [f"--workers={count}"])
        print(measure(engine, finished, folder), flush=True)
    for opened in (portable(folder), prism(folder, install_prism(HOME)), flink(folder)):
        with opened as engine:
            print(measure(engine, finished, folder), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
