"""`python -m tools.flink install | up | down | status | run COMMAND …`: a local Flink cluster."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from dalle_model.errors import DalleError
from tools.flink import loopback
from tools.flink.cluster import Cluster, beam_options
from tools.flink.packages import Packages, install
from tools.flink.processes import Processes, children, memory

HOME = Path(__file__).resolve().parents[2] / ".flink"
NETWORK = "network"


def main(arguments: list[str]) -> int:
    """Run one command; the exit code."""
    options = parsed(arguments)
    folder = options.folder.absolute()
    try:
        if options.command == "start":  # inside the network
            Cluster(folder, Packages(*map(Path, options.rest))).start()
        elif options.command == "install":
            install(HOME)
        elif options.command == "up":
            up(folder)
        elif options.command == "down":
            down(folder)
        elif options.command == "status":
            print("\n".join(status(folder)))
        else:
            return run(folder, options.rest)
    except DalleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.flink", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HOME / "cluster", help="state and logs")
    parser.add_argument("command", choices=["install", "up", "down", "status", "run", "start"])
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    return parser.parse_args(arguments)


def up(folder: Path) -> None:
    """Install what is missing, and start what does not run."""
    packages = install(HOME)
    processes = Processes(folder)
    if processes.pid(NETWORK) is None:
        holder = [sys.executable, "-P", loopback.__file__]
        processes.start(NETWORK, [*loopback.OPEN, *holder])
        processes.wait_until_said(NETWORK, loopback.UP, 10)
    module = [sys.executable, "-m", "tools.flink", "--folder", str(folder), "start"]
    code = run(folder, [*module, str(packages.flink), str(packages.job_server)])
    if code:
        raise DalleError("the cluster did not start; `make flink-down` ends what runs of it")
    print("\n".join([*status(folder), *how_to_use(folder)]))


def down(folder: Path) -> None:
    """End all processes, and delete what they have put on disk; logs stay."""
    processes = Processes(folder)
    processes.stop([name for name in processes.names() if name != NETWORK])
    processes.stop([NETWORK])
    shutil.rmtree(folder / "tmp", ignore_errors=True)


def status(folder: Path) -> list[str]:
    """A line for each process: its id, and its memory with that of the harnesses below it."""
    processes, lines = Processes(folder), []
    for name in processes.names():
        pid = processes.pid(name)
        if pid is None:
            lines.append(f"{name:<14} has ended; its log is {processes.log(name)}")
        else:
            below = [memory(child) for child in children(pid)]
            harnesses = f", {len(below)} harnesses {sum(below) >> 20} MB" if below else ""
            lines.append(f"{name:<14} {pid:>7}  {memory(pid) >> 20} MB{harnesses}")
    return lines or ["no cluster runs; `make flink-up` starts one"]


def run(folder: Path, command: list[str]) -> int:
    """Run a command in the network of the cluster; its exit code.

    Raises:
        DalleError: no cluster runs.
    """
    pid = Processes(folder).pid(NETWORK)
    if pid is None:
        raise DalleError(f"no cluster runs in {folder}; `make flink-up` starts one")
    return subprocess.run([*loopback.entered(pid), *command], check=False).returncode


def how_to_use(folder: Path) -> list[str]:
    """The lines that tell a person how a run is given to the cluster."""
    dalle = "dalle run images dedupe encode --config CONFIG --dir /ABSOLUTE/PATH"
    return [
        "Its network is loopback alone, so a command has to enter it:",
        f"  python -m tools.flink run {dalle} \\",
        "    " + " \\\n    ".join(beam_options(folder)),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
