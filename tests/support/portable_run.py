"""In a network namespace without interfaces: Beam's job service, a worker pool, one `dalle run`.

Both servers bind all interfaces without authentication, so they run where loopback is the only one.
Usage: unshare -rn python portable_run.py ARGUMENTS OF dalle run
"""

import fcntl
import socket
import struct
import subprocess
import sys
import time

JOB_PORT, POOL_PORT = 18099, 15000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # Source: Linux, include/uapi/linux/sockios.h and if.h


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
    bring_loopback_up()
    module = "apache_beam.runners"
    job_service = f"{module}.portability.local_job_service_main"
    commands = [
        (JOB_PORT, [job_service, "--port", str(JOB_PORT)]),
        (POOL_PORT, [f"{module}.worker.worker_pool_main", f"--service_port={POOL_PORT}"]),
    ]
    servers = []
    try:
        for port, (name, *options) in commands:
            server = subprocess.Popen(
                [sys.executable, "-m", name, *options],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            servers.append(server)
            wait_for(port, server)
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "orchestration",
                "run",
                *sys.argv[1:],
                "--profile=portable",
                f"--job_endpoint=localhost:{JOB_PORT}",
                f"--environment_config=localhost:{POOL_PORT}",
            ]
        ).returncode
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
