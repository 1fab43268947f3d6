"""Worker processes of the local runner: quiet while they work, and their death is told.

Beam 2.77 waits forever for a worker that was killed, as for want of memory: its instructions get
no answer. Here each is answered with an error, and the run ends as after an error in a worker.
"""

import logging
import shlex
import sys
import threading
from collections.abc import MutableMapping
from typing import Any

import grpc  # type: ignore[import-untyped]
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)
from apache_beam.runners.portability.local_job_service import SubprocessSdkWorker

POLL_S = 0.2  # chosen: an instruction pushed after the death is answered this much later
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


class WatchedWorkerHandler(SubprocessSdkWorkerHandler):
    """As Beam's, with an answer to every instruction of a worker that is gone."""

    def start_worker(self) -> None:
        """Start the process, and the thread that waits for its end."""
        self._is_closed = threading.Event()
        is_quiet = logging.root.level >= logging.CRITICAL
        command = quiet_command() if is_quiet else self._worker_command_line
        self.worker = SubprocessSdkWorker(
            command, self.control_address, self.provision_info, self.worker_id
        )
        self.worker_thread = threading.Thread(name="run_worker", target=self._run, daemon=True)
        self.worker_thread.start()

    def close(self) -> None:
        """End the process; from here on its end is no surprise."""
        self._is_closed.set()
        super().close()

    def _run(self) -> None:
        try:
            self.worker.run()
        except RuntimeError:  # it ended with another code than 0
            # As a daemon: an interrupted runner may never close its handlers.
            threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while not self._is_closed.wait(POLL_S):
            fail_instructions(self.control_conn._futures_by_id)


def quiet_command() -> bytes:
    """The shell's command line for a worker that does not log."""
    return shlex.join([sys.executable, "-c", QUIET_WORKER]).encode()


def fail_instructions(waiting: MutableMapping[str, Any]) -> None:
    """Answer all instructions that wait with the error of a lost worker.

    Args:
        waiting: Beam's `ControlFuture` by the instruction's id; empty afterwards.
    """
    for name in list(waiting):
        future = waiting.pop(name, None)
        if future is not None:
            future.set(beam_fn_api_pb2.InstructionResponse(instruction_id=name, error=LOST))


def watch_workers() -> None:
    """Let the local runner start its processes by `WatchedWorkerHandler`."""
    WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(WatchedWorkerHandler)
    threading.excepthook = _say_unless_told


def _say_unless_told(failure: threading.ExceptHookArgs) -> None:
    """Beam's threads that read from a lost worker fail too; `LOST` has told it."""
    if not issubclass(failure.exc_type, grpc.RpcError):
        threading.__excepthook__(failure)
