"""The record of a job in a run directory, on a disk and in a store."""

import json

import pytest

from dalle_model import files
from orchestration.beam.jobs import JobId
from orchestration.beam.runners import JobError
from orchestration.engine import jobs
from orchestration.engine.jobs import check_no_job, current_job, end_job, recorded
from orchestration.engine.plan import RunError
from pipelines.io.layout import RunFolder
from tests.support.run_roots import root

__all__ = ["root"]  # a fixture

ID = JobId("PortableRunner", "localhost:1", "job-7")


@pytest.fixture
def left(root) -> str:
    """A run directory with a job that was left."""
    with recorded(root, ["crawl", "captions"], "PortableRunner", "key") as recording:
        recording.started(ID)
        recording.stays = True
    return root


def says(monkeypatch, answer: str) -> None:
    monkeypatch.setattr(jobs, "state", lambda _: answer)


def test_a_record_is_there_from_before_the_start_until_the_end(root):
    assert current_job(root) is None
    with recorded(root, ["crawl"], "PortableRunner", "key") as recording:
        before = current_job(root)
        recording.started(ID)
        after = current_job(root)
    assert before is not None
    assert before.id == JobId("PortableRunner")
    assert "a job that was being started" in str(before)
    assert after is not None
    assert after.id == ID
    assert after.stages == ("crawl",)
    assert current_job(root) is None


def test_of_two_jobs_one_comes_first(root):
    with (
        recorded(root, ["crawl"], "PortableRunner", "key"),
        pytest.raises(RunError, match="another job is at work"),
        recorded(root, ["crawl"], "PortableRunner", "key"),
    ):
        pass
    assert current_job(root) is None


def test_a_start_that_fails_leaves_no_record(root):
    with pytest.raises(OSError, match="no"), recorded(root, ["crawl"], "PortableRunner", "key"):
        raise OSError("no")
    assert current_job(root) is None


@pytest.mark.parametrize("state", ["RUNNING", "STARTING", "UNKNOWN"])
def test_a_directory_with_a_job_is_refused(left, monkeypatch, state):
    says(monkeypatch, state)
    with pytest.raises(RunError, match=r"dalle status --dir .*dalle cancel --dir"):
        check_no_job(left)
    assert current_job(left) is not None


@pytest.mark.parametrize("state", ["DONE", "FAILED", "CANCELLED"])
def test_the_record_of_a_job_that_has_ended_goes(left, monkeypatch, state):
    says(monkeypatch, state)
    check_no_job(left)
    assert current_job(left) is None
    check_no_job(left)


def test_a_job_is_cancelled_and_forgotten(left, monkeypatch):
    cancelled: list[JobId] = []
    says(monkeypatch, "RUNNING")
    monkeypatch.setattr(jobs, "cancel", cancelled.append)
    assert "job-7 (PortableRunner, since" in end_job(left)
    assert cancelled == [ID]
    assert current_job(left) is None
    with pytest.raises(RunError, match="no job is at work"):
        end_job(left)


def test_a_job_that_nobody_can_be_asked_about_is_forgotten(left, monkeypatch):
    def unanswered(_):
        raise JobError("the job service does not answer")

    monkeypatch.setattr(jobs, "state", unanswered)
    assert "where it still runs, it writes nothing more" in end_job(left)
    assert current_job(left) is None


def test_a_job_that_cannot_be_cancelled_is_not_forgotten(left, monkeypatch):
    def refused(_):
        raise JobError("no")

    says(monkeypatch, "RUNNING")
    monkeypatch.setattr(jobs, "cancel", refused)
    with pytest.raises(JobError):
        end_job(left)
    assert current_job(left) is not None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"id": 3}', b"\xff"])
def test_what_is_no_record_is_no_job(root, content):
    files.write_bytes(RunFolder(root).job, content)
    assert current_job(root) is None


def test_the_record_is_json_without_secrets(left):
    found = json.loads(files.read_bytes(RunFolder(left).job))
    assert set(found) == {"id", "stages", "host", "began", "key"}
    assert set(found["id"]) == {"runner", "endpoint", "job"}
