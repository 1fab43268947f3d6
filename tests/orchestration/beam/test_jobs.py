"""A job service on loopback is asked for a job, and told to end it."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import grpc  # type: ignore[import-untyped]
import pytest
from apache_beam.portability.api import beam_job_api_pb2 as api
from apache_beam.portability.api import beam_job_api_pb2_grpc as services

from dalle_model.errors import UsageError
from orchestration.beam.jobs import JobId, cancel, check_can_leave, job_id, state
from orchestration.beam.runners import JobError

SERVICE = ["--runner=PortableRunner", "--job_endpoint=localhost:8099"]


class Service(services.JobServiceServicer):
    """Knows one job."""

    def __init__(self) -> None:
        self.states = {"job-7": api.JobState.RUNNING}

    def GetState(self, request, context):  # noqa: N802 - gRPC's name
        if request.job_id not in self.states:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        return api.JobStateEvent(state=self.states[request.job_id])

    def Cancel(self, request, context):  # noqa: N802 - gRPC's name
        self.states[request.job_id] = api.JobState.CANCELLED
        return api.CancelJobResponse(state=api.JobState.CANCELLED)


@pytest.fixture
def endpoint():
    server = grpc.server(ThreadPoolExecutor(2))
    services.add_JobServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait(10)


def test_a_job_is_asked_for_its_state_and_cancelled(endpoint):
    job = JobId("PortableRunner", endpoint, "job-7")
    assert state(job) == "RUNNING"
    cancel(job)
    assert state(job) == "CANCELLED"


def test_a_job_that_the_service_does_not_know(endpoint):
    assert state(JobId("PortableRunner", endpoint, "job-8")) == "UNKNOWN"


def test_a_service_that_is_gone_is_named():
    gone = JobId("PortableRunner", "127.0.0.1:9", "job-7")
    with pytest.raises(JobError, match=r"127\.0\.0\.1:9 does not answer"):
        state(gone)
    with pytest.raises(JobError, match=r"127\.0\.0\.1:9 does not answer"):
        cancel(gone)


def test_without_a_service_nobody_is_asked():
    with pytest.raises(JobError, match="job 2026-7 of DataflowRunner has no job service"):
        state(JobId("DataflowRunner", "", "2026-7"))


def test_where_a_job_is():
    portable = SimpleNamespace(_job_id="job-7")
    assert job_id(portable, SERVICE) == JobId("PortableRunner", "localhost:8099", "job-7")
    dataflow = SimpleNamespace(job_id=lambda: "2026-7")
    assert job_id(dataflow, ["--runner=DataflowRunner"]) == JobId("DataflowRunner", "", "2026-7")
    placed = job_id(dataflow, ["--runner=DataflowRunner", "--project=p", "--region=europe-west4"])
    assert placed == JobId("DataflowRunner", "projects/p/locations/europe-west4", "2026-7")
    assert job_id(SimpleNamespace(), ["--runner", "x.Y"]) == JobId("x.Y")


@pytest.mark.parametrize(
    "options",
    [[*SERVICE, "--environment_type=PROCESS"], ["--runner=DataflowRunner"], SERVICE],
)
def test_jobs_that_can_be_left(options):
    check_can_leave(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "a run on this machine ends with this command"),
        (["--runner=FlinkRunner"], "FlinkRunner ends with this command; start a job service"),
        ([*SERVICE, "--environment_type", "LOOPBACK"], "the work is done in this command"),
        ([*SERVICE, "--environment_type", "loopback"], "no such environment: loopback"),
        (
            [*SERVICE, "--environment_type=PROCESS", "--environment_type=LOOPBACK"],
            "the work is done in this command",
        ),
    ],
)
def test_jobs_that_end_with_the_command_are_not_left(options, message):
    with pytest.raises(UsageError, match=message):
        check_can_leave(options)
