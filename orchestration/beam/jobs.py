"""A job on a runner elsewhere, once it is started: how to find it again, its state, its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dalle_model.errors import UsageError
from orchestration.beam import dataflow_jobs
from orchestration.beam.environment import works_here
from orchestration.beam.options import options_of
from orchestration.beam.private import job_service, portable_job
from orchestration.beam.runners import DATAFLOW, JobError, chosen_runner

ANSWER_S = 10.0  # of a job service; chosen: on a busy cluster it answers in less than one
ENDED = ("DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED")  # Source: Beam, `PipelineState`


@dataclass(frozen=True)
class JobId:
    """Where a job is.

    Args:
        runner: of Beam.
        endpoint: address of the job service that knows it, or its place on Dataflow; empty where
            nothing outlives the command.
        job: its name there.
    """

    runner: str
    endpoint: str = ""
    job: str = ""


def job_id(result: Any, beam_options: Sequence[str]) -> JobId:
    """Where a job is that was just started.

    Args:
        result: Beam's, of its start.
        beam_options: with which it was started.
    """
    name = portable_job(result)
    if not name and callable(getattr(result, "job_id", None)):
        name = str(result.job_id() or "")  # of Dataflow
    runner, options = chosen_runner(beam_options) or "", options_of(beam_options)
    if runner == DATAFLOW:
        return JobId(runner, dataflow_jobs.place_of(options), name)
    return JobId(runner, options["job_endpoint"] or "", name)


def check_can_leave(beam_options: Sequence[str]) -> None:
    """Refuse to leave a job whose service or workers end with the command.

    Raises:
        UsageError: with what to give in addition.
    """
    runner = chosen_runner(beam_options) or ""
    if runner == DATAFLOW:
        return
    if not options_of(beam_options)["job_endpoint"]:
        raise UsageError(
            f"--detach: without a job service, {runner or 'a run on this machine'} ends with this "
            "command; start a job service and give its address as --job_endpoint=HOST:PORT"
        )
    if works_here(beam_options):
        raise UsageError(
            "--detach: with --environment_type=LOOPBACK the work is done in this command; "
            "take PROCESS, EXTERNAL or DOCKER"
        )


def state(job: JobId) -> str:
    """The state of a job, in Beam's words; `UNKNOWN` where its service no longer knows it.

    Raises:
        JobError: the service does not answer, or there is none that can be asked.
    """
    if _is_on_dataflow(job):
        return dataflow_jobs.state(job.endpoint, job.job)
    with _service(job) as (stub, messages):
        import grpc  # type: ignore[import-untyped]

        request = messages.GetJobStateRequest(job_id=job.job)
        try:
            found = stub.GetState(request, timeout=ANSWER_S).state
        except grpc.RpcError as error:
            if error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNKNOWN}:
                return "UNKNOWN"
            raise _unanswered(job, error) from error
        return str(messages.JobState.Enum.Name(found))


def cancel(job: JobId) -> None:
    """Tell a job to end.

    Raises:
        JobError: as `state`.
    """
    if _is_on_dataflow(job):
        dataflow_jobs.cancel(job.endpoint, job.job)
        return
    with _service(job) as (stub, messages):
        import grpc

        try:
            stub.Cancel(messages.CancelJobRequest(job_id=job.job), timeout=ANSWER_S)
        except grpc.RpcError as error:
            raise _unanswered(job, error) from error


def _is_on_dataflow(job: JobId) -> bool:
    return job.runner == DATAFLOW and bool(job.endpoint and job.job)


@contextmanager
def _service(job: JobId) -> Iterator[tuple[Any, Any]]:
    """The service that knows a job, and the messages that it understands."""
    if not job.endpoint:
        where = f"job {job.job} of {job.runner}" if job.job else f"a job of {job.runner}"
        raise JobError(f"{where} has no job service to ask; look at the runner's own page or tool")
    with job_service(job.endpoint) as found:
        yield found


def _unanswered(job: JobId, error: Any) -> JobError:
    return JobError(f"the job service at {job.endpoint} does not answer: {error.details()}")
