"""Worker processes of the local runner: what they import, what they print, and how they end."""

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.beam.private import worker_processes

# With `-P` a worker imports what is installed or on PYTHONPATH. Without, `-c` and `-m` look into
# the working directory first, where a folder of the user's may be called `pipelines` as well.
PYTHON = (sys.executable, "-P")
WORKER = ("-m", "apache_beam.runners.worker.sdk_worker_main")
# Beam's worker without its log, forty lines on standard error: errors reach the runner anyway. It
# ends without a traceback by Ctrl-C, and when the runner is gone.
QUIET_WORKER = """
import logging, signal, sys
logging.disable()
import grpc
from apache_beam.runners.worker.sdk_worker_main import main
signal.signal(signal.SIGINT, signal.SIG_DFL)
try:
    main(sys.argv)
except grpc.RpcError:
    sys.exit(1)
"""
LOST = (
    "dalle_model.errors.DalleError: a worker process was killed, perhaps for want of memory; "
    "give the same command again, with fewer --workers: finished shards are kept"
)


@contextmanager
def watched_workers() -> Iterator[None]:
    """While this is open, a worker process that dies fails the run instead of hanging it.

    Workers that start meanwhile import nothing from the working directory, and print Beam's log
    only where this process logs too. Nothing of Beam stays changed afterwards; uses may be nested,
    or overlap in threads.

    Raises:
        BeamVersionError: the installed Beam is not the one whose internals are known.
    """
    with worker_processes(worker_command, LOST):
        yield


def worker_command() -> bytes:
    """The shell's command line for one worker: quiet, unless the root logger is in use."""
    is_quiet = logging.root.level >= logging.CRITICAL
    return shlex.join([*PYTHON, *(("-c", QUIET_WORKER) if is_quiet else WORKER)]).encode()
