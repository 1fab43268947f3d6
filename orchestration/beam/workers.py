"""Worker processes of the local runner: what they import, what they print, and how they end."""

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.beam.private import worker_processes

# With `-P` a worker imports what is installed or on PYTHONPATH. Without it, `-c` and `-m` search
# the working directory first, where the user may have a package called `pipelines` as well.
PYTHON = (sys.executable, "-P")
# Source: apache-beam 2.77.0 `runners/portability/fn_api_runner/fn_runner.py`, `run_pipeline`.
WORKER = ("-m", "apache_beam.runners.worker.sdk_worker_main")
# Beam's worker without its log of some forty lines on standard error; errors reach the runner
# anyway. It ends without a traceback on Ctrl-C, and when the runner has ended.
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
    "dalle_model.errors.DalleError: a worker process was killed, perhaps for lack of memory; "
    "give the same command again, with fewer --workers: finished shards are kept"
)


@contextmanager
def watched_workers() -> Iterator[None]:
    """Inside, a worker process that dies makes the run fail instead of hang.

    Workers started inside import nothing from the working directory, and print Beam's log only if
    this process logs too. Afterwards Beam is as it was; uses may be nested, or overlap in threads.

    Raises:
        BeamVersionError: the installed Beam is not the one whose internals are known.
    """
    with worker_processes(worker_command, LOST):
        yield


def worker_command() -> bytes:
    """The shell's command line for one worker; quiet unless the root logger is enabled."""
    is_quiet = logging.root.level >= logging.CRITICAL
    return shlex.join([*PYTHON, *(("-c", QUIET_WORKER) if is_quiet else WORKER)]).encode()
