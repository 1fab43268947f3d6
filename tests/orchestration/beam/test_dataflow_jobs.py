"""A service on loopback in place of Dataflow's is asked for a job, and told to end it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from orchestration.beam import dataflow_jobs, jobs
from orchestration.beam.jobs import JobId
from orchestration.beam.runners import JobError

PLACE = "projects/p/locations/europe-west4"
JOB = JobId("DataflowRunner", PLACE, "2026-7")


class Service(BaseHTTPRequestHandler):
    """Knows one job, and one that its caller may not see."""

    state = "JOB_STATE_RUNNING"

    def do_GET(self) -> None:
        found = {
            f"/{PLACE}/jobs/2026-7": (200, {"id": "2026-7", "currentState": Service.state}),
            f"/{PLACE}/jobs/hidden": (403, {"error": {"message": "no permission"}}),
        }
        self._answer(*found.get(self.path, (404, {"error": {"message": "no such job"}})))

    def do_PUT(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == f"/{PLACE}/jobs/2026-7" and {*wanted} == {"requestedState"}:
            Service.state = wanted["requestedState"]
        self.do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(autouse=True)
def _service(monkeypatch) -> Iterator[None]:
    Service.state = "JOB_STATE_RUNNING"
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(dataflow_jobs, "SERVICE", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(dataflow_jobs, "_session", requests.Session)
        yield
        server.shutdown()


def test_a_job_is_asked_for_its_state_and_cancelled():
    assert jobs.state(JOB) == "RUNNING"
    jobs.cancel(JOB)
    assert jobs.state(JOB) == "CANCELLED"
    assert jobs.state(JOB) in jobs.ENDED


def test_a_job_that_the_service_does_not_know():
    gone = JobId("DataflowRunner", PLACE, "2026-8")
    assert jobs.state(gone) == "UNKNOWN"
    with pytest.raises(JobError, match=r"job 2026-8: 404 .*no such job"):
        jobs.cancel(gone)


def test_a_refusal_is_shown_as_the_service_words_it():
    with pytest.raises(JobError, match=r"job hidden: 403 .*no permission"):
        jobs.state(JobId("DataflowRunner", PLACE, "hidden"))


def test_a_service_that_is_gone_is_named(monkeypatch):
    monkeypatch.setattr(dataflow_jobs, "SERVICE", "http://127.0.0.1:9")
    with pytest.raises(JobError, match="cannot be asked for job 2026-7"):
        jobs.state(JOB)


def test_without_credentials_the_reason_is_told(monkeypatch):
    def without() -> requests.Session:
        raise RuntimeError("no credentials; run `gcloud auth application-default login`")

    monkeypatch.setattr(dataflow_jobs, "_session", without)
    with pytest.raises(JobError, match="cannot be asked for job 2026-7: no credentials"):
        jobs.state(JOB)


def test_a_place_needs_a_project_and_a_region():
    assert dataflow_jobs.place_of({"project": "p", "region": "europe-west4"}) == PLACE
    assert dataflow_jobs.place_of({"project": "p", "region": None}) == ""
