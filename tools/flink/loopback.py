"""A network whose only interface is loopback, held open by a process: `python loopback.py`.

Beam's servers listen on all interfaces and ask nobody who they are: the job server, the harness
ports of a TaskManager, worker pools, Prism. Where loopback is the only interface, nobody else can
reach them. Started as `unshare --map-root-user --net python loopback.py`.
"""

import fcntl
import signal
import socket
import struct
import sys

UP = "loopback is up"
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # Source: Linux, include/uapi/linux/sockios.h and if.h
OPEN = ("unshare", "--map-root-user", "--net")


def entered(pid: int) -> list[str]:
    """The beginning of a command line that runs the rest in the network of a process."""
    return ["nsenter", "--target", str(pid), "--user", "--preserve-credentials", "--net", "--"]


def bring_up() -> None:
    """As `ip link set lo up` does, where that program is not installed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def main() -> None:
    """Bring the interface up, say so, and stay."""
    bring_up()
    print(UP, file=sys.stderr, flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
