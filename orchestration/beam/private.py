"""All that relies on Beam's internals, as read in Beam 2.77.0; workers refuse every other version.

Source: apache-beam 2.77.0, below `apache_beam/runners/`:
    portability/fn_api_runner/worker_handlers.py   `WorkerHandler._registered_environments`,
        `SubprocessSdkWorkerHandler`, `ControlConnection._futures_by_id`, `._read`, `._read_thread`
    portability/local_job_service.py               `SubprocessSdkWorker`
    worker/data_plane.py                           `_GrpcDataChannel._read_inputs`
    portability/portable_runner.py                 `JobServiceHandle.get_pipeline_options`,
        `PipelineResult._job_id`
    worker/sdk_worker_main.py                      `main`, and the variables that it reads

Beam's own handler starts a worker process and does not watch it. When the process dies,
`SubprocessSdkWorker.run` raises in a thread of its own, nothing aborts the instructions in
`_futures_by_id`, and the runner waits for them forever. (For a container,
`DockerSdkWorkerHandler.watch_container` does abort them.)
"""

import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any

from dalle_model.errors import DalleError

READ_IN = "2.77.0"
POLL_S = 0.2  # chosen: the longest that an instruction pushed after the death waits for its answer
PROVISION_S = 60.0  # chosen: a JVM that has just started a harness may be busy starting others
END_S = 5.0  # chosen: a worker that is told to end does so in less, whatever it is doing

_lock = threading.Lock()
_replaced: list[Any] = []  # what each open `worker_processes` found registered


class BeamVersionError(DalleError):
    """The installed Beam is not the one whose internals are known."""


def check_version(installed: str) -> None:
    """Refuse every Beam but the one that this file was written for.

    Raises:
        BeamVersionError: another version.
    """
    if installed != READ_IN:
        raise BeamVersionError(
            f"Beam {installed} is installed, but two or more workers need Beam {READ_IN}: they are "
            f"watched through its internals; run `pip install --no-deps apache-beam=={READ_IN}`, "
            "or use --workers 1"
        )


def portable_job(result: Any) -> str:
    """The name of a job that a portable runner has started; empty for that of another."""
    return str(getattr(result, "_job_id", None) or "")


@contextmanager
def job_service(endpoint: str) -> Iterator[tuple[Any, Any]]:
    """The stub of a job service, and the messages that it understands."""
    import grpc  # type: ignore[import-untyped]
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    with grpc.insecure_channel(endpoint) as channel:
        yield beam_job_api_pb2_grpc.JobServiceStub(channel), beam_job_api_pb2


def job_service_options(endpoint: str, timeout_s: float) -> frozenset[str]:
    """The options that a job service knows, in the spelling of the command line.

    Raises:
        ConnectionError: no job service answers; the message says why, in a few words.
    """
    import grpc

    with job_service(endpoint) as (service, messages):
        request = messages.DescribePipelineOptionsRequest()
        try:
            answer = service.DescribePipelineOptions(request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise ConnectionError(_reason(error, timeout_s)) from error
    return frozenset(option.name for option in answer.options)


def _reason(error: Any, timeout_s: float) -> str:
    code, details = error.code().name, str(error.details())
    if code == "DEADLINE_EXCEEDED":
        return f"no answer within {timeout_s:g} s"
    if code != "UNAVAILABLE":
        return f"what answers is no job service ({code})"
    return "Connection refused" if "Connection refused" in details else details[:200]


@contextmanager
def worker_processes(command: Callable[[], bytes], error: str) -> Iterator[None]:
    """Have the local runner start its processes through our handler; restore Beam's at the end.

    At the end the processes that were started inside have ended, or been told to by the caller.

    Uses may be nested, or overlap in threads: each pops the last entry of one stack, so whichever
    ends last restores what the first one found.

    Args:
        command: returns the shell's command line for a worker that is about to start.
        error: the answer to every instruction of a worker that died.

    Raises:
        BeamVersionError: the installed Beam has other internals.
    """
    import apache_beam

    check_version(apache_beam.__version__)
    from apache_beam.portability.python_urns import SUBPROCESS_SDK
    from apache_beam.runners.portability.fn_api_runner.worker_handlers import WorkerHandler

    registered = WorkerHandler._registered_environments
    started: list[threading.Thread] = []
    handler_class = _handler_class(command, error, started)
    with _lock:
        _replaced.append(registered[SUBPROCESS_SDK])
        registered[SUBPROCESS_SDK] = (handler_class, bytes)
    try:
        yield
    finally:
        with _lock:
            registered[SUBPROCESS_SDK] = _replaced.pop()
        for thread in started:
            thread.join(END_S)


def fail_instructions(waiting: MutableMapping[str, Any], error: str) -> None:
    """Answer every instruction that is waiting for a worker with an error.

    Args:
        waiting: Beam's `ControlFuture` by the instruction's id; empty afterwards.
        error: its text.
    """
    from apache_beam.portability.api import beam_fn_api_pb2

    for name in list(waiting):
        future = waiting.pop(name, None)
        if future is not None:
            future.set(beam_fn_api_pb2.InstructionResponse(instruction_id=name, error=error))


def harness_variables(worker: str, provision: str, logging: str, control: str) -> dict[str, str]:
    """Ask an engine what a harness needs to know; the variables that Beam's harness reads.

    Args:
        worker: the engine's name of the harness.
        provision: host and port of the engine's provisioning service.
        logging: host and port for logs; empty where the answer names them.
        control: host and port for instructions; empty where the answer names them.

    Raises:
        grpc.RpcError: nobody answers in `PROVISION_S`.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2 as messages
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as services
    from google.protobuf import json_format  # type: ignore[import-untyped]

    with grpc.insecure_channel(provision) as channel:
        service = services.ProvisionServiceStub(channel)
        request, name = messages.GetProvisionInfoRequest(), (("worker_id", worker),)
        info = service.GetProvisionInfo(request, metadata=name, timeout=PROVISION_S).info
    return {
        "WORKER_ID": worker,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(logging, info.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(control, info.control_endpoint),
    }


def _descriptor(address: str, answered: Any) -> str:
    from apache_beam.portability.api import endpoints_pb2
    from google.protobuf import text_format

    message = endpoints_pb2.ApiServiceDescriptor(url=address) if address else answered
    return str(text_format.MessageToString(message))


def run_harness() -> None:
    """Be a harness, by the variables of this process, until the engine has no more work for it."""
    from apache_beam.runners.worker.sdk_worker_main import main

    main([])


def _handler_class(
    command: Callable[[], bytes], error: str, started: list[threading.Thread]
) -> Any:
    """A subclass of Beam's handler that answers the instructions of a worker that has died."""
    from apache_beam.runners.portability.fn_api_runner import worker_handlers
    from apache_beam.runners.portability.local_job_service import SubprocessSdkWorker

    class WatchedHandler(worker_handlers.SubprocessSdkWorkerHandler):
        def start_worker(self) -> None:
            self._is_closed = threading.Event()
            _quieten(self.control_conn, self.data_conn)
            self.worker = SubprocessSdkWorker(
                command(), self.control_address, self.provision_info, self.worker_id
            )
            # A daemon, unlike Beam's: an interrupted runner may never close its handlers.
            self.worker_thread = threading.Thread(name="run_worker", target=self._run, daemon=True)
            self.worker_thread.start()
            started.append(self.worker_thread)

        def close(self) -> None:
            self._is_closed.set()  # from now on the process is expected to end
            super().close()

        def _run(self) -> None:
            try:
                self.worker.run()
            except RuntimeError:  # the exit code was not 0
                threading.Thread(target=self._answer, daemon=True).start()

        def _answer(self) -> None:
            while not self._is_closed.wait(POLL_S):
                fail_instructions(self.control_conn._futures_by_id, error)

    return WatchedHandler


def _quieten(control: Any, data: Any) -> None:
    """Let the two threads that read from a worker end without a traceback when it dies.

    The answered instructions report the death already. Only the reads of this worker are wrapped,
    so `threading.excepthook` stays as it is and failures of other threads remain visible.
    """
    control._read_thread = threading.Thread(
        name=control._read_thread.name, target=_until_lost(control._read)
    )
    data._read_inputs = _until_lost(data._read_inputs)


def _until_lost(read: Callable[..., None]) -> Callable[..., None]:
    import grpc

    def reading(*arguments: Any) -> None:
        with suppress(grpc.RpcError):
            read(*arguments)

    return reading
