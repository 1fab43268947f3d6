"""Worker processes of the local runner: what they import, what they print, and how they end."""

import logging
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from orchestration.beam.private import worker_processes

# With `-P` a worker imports what is installed or on PYTHONPATH. Without it, `-c` and `-m` search
# the working directory first, where the user may have a package called `pipelines` as well.
PYTHON = (sys.executable, "-P")
LOOPBACK = "127.0.0.1"
# Ctrl-C reaches the processes of a terminal all at once: the runner ends its workers, which ignore
# it from the shell on. A worker ends when its line to the runner is cut, in whatever it does, so
# none goes on writing after a runner that was killed. Beam's worker writes a log of forty lines on
# standard error, and the traceback of each error, which reaches the runner too: quiet workers leave
# both out.
WORKER = """
import logging, os, socket, sys, threading
if {is_quiet}:
    logging.disable()
    sys.stderr = open(os.devnull, "w")
line = socket.create_connection(("{host}", {port}))
def end_with_the_runner():
    try:
        line.recv(1)
    finally:
        os._exit(1)
threading.Thread(target=end_with_the_runner, daemon=True).start()
import grpc
from apache_beam.runners.worker.sdk_worker_main import main
try:
    main(sys.argv)
except grpc.RpcError:
    sys.exit(1)
"""
LOST = (
    "dalle_model.errors.DalleError: a worker process was killed, perhaps for lack of memory; "
    "give the same command again, with fewer --workers: finished shards are kept"
)


@contextmanager
def watched_workers() -> Iterator[None]:
    """Inside, a worker process that dies makes the run fail instead of hang; none lives longer.

    Workers started inside import nothing from the working directory, and print Beam's log only if
    this process logs too. Afterwards Beam is as it was; uses may be nested, or overlap in threads.

    Raises:
        BeamVersionError: the installed Beam is not the one whose internals are known.
    """
    with socket.create_server((LOOPBACK, 0)) as server:  # never accepts: closing it cuts all lines
        command = partial(worker_command, server.getsockname()[1])
        with worker_processes(command, LOST):
            try:
                yield
            finally:
                server.close()


def worker_command(port: int) -> bytes:
    """The shell's command line for one worker; quiet unless the root logger is enabled.

    Args:
        port: on this machine, where the runner listens as long as the worker is to live.
    """
    is_quiet = logging.root.level >= logging.CRITICAL
    source = WORKER.format(is_quiet=is_quiet, host=LOOPBACK, port=port)
    return f"trap '' INT; exec {shlex.join([*PYTHON, '-c', source])}".encode()
