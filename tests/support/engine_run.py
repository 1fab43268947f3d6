"""In a network namespace without interfaces: an engine with its servers, and one `dalle run` on it.

The servers bind all interfaces without authentication, so they run where loopback is the only one.
Nothing of this clone is imported: a copy of the file runs what an environment has installed.
Usage: unshare -rn python engine_run.py ENGINE [--prism PROGRAM] ARGUMENTS OF dalle run
"""

import argparse
import fcntl
import socket
import struct
import subprocess
import sys
import time

SERVICE, PRISM, PRISM_SERVICE = "service", "prism", "prism-service"
JOB_PORT, POOL_PORT = 18099, 15000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # Source: Linux, include/uapi/linux/sockios.h and if.h
MODULE = [sys.executable, "-m"]
BEAM = "apache_beam.runners"


def servers_of(engine: str, prism: str | None) -> dict[int, list[str]]:
    """Commands by the port of each; a Prism without a pool is started by `dalle run` itself."""
    service = [*MODULE, f"{BEAM}.portability.local_job_service_main", "--port", str(JOB_PORT)]
    if engine == PRISM_SERVICE:
        service = [str(prism), f"--job_port={JOB_PORT}", "--serve_http=false"]
    pool = [*MODULE, f"{BEAM}.worker.worker_pool_main", f"--service_port={POOL_PORT}"]
    return {} if engine == PRISM else {JOB_PORT: service, POOL_PORT: pool}


def options_of(engine: str, prism: str | None) -> list[str]:
    """What `dalle run` is told of the engine."""
    if engine == PRISM:
        return ["--profile=prism", f"--prism_location={prism}"]
    service, pool = f"localhost:{JOB_PORT}", f"localhost:{POOL_PORT}"
    return ["--profile=portable", f"--job_endpoint={service}", f"--environment_config={pool}"]


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server for port {port} ended with {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit(f"nothing listens on port {port}")


def bring_loopback_up() -> None:
    """As `ip link set lo up` does, where that program is not installed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sh14x", b"lo", IFF_UP)
        fcntl.ioctl(handle, SIOCSIFFLAGS, request)


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("engine", choices=[SERVICE, PRISM, PRISM_SERVICE])
    parser.add_argument("--prism")
    engine, arguments = parser.parse_known_args()
    bring_loopback_up()
    servers = []
    try:
        for port, command in servers_of(engine.engine, engine.prism).items():
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            servers.append(server)
            wait_for(port, server)
        run = [*MODULE, "orchestration", "run", *arguments]
        return subprocess.run([*run, *options_of(engine.engine, engine.prism)]).returncode
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
