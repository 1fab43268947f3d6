"""Work of a job that was ended stops, on disks and in stores."""

import asyncio

import pytest

from dalle_model import files
from pipelines.io import wanted
from pipelines.io.layout import RunFolder
from pipelines.io.task import StageTask
from pipelines.io.wanted import NotWantedError, check_wanted, while_wanted
from tests.support.run_roots import root

__all__ = ["root"]  # a fixture


def task_of(root: str, job: str = "ours") -> StageTask:
    return StageTask(root, "encode", 2, "attempt", "fingerprint", (0, 1), job=job)


def record(root: str, key: str) -> None:
    files.write_json(RunFolder(root).job, {"key": key})


def test_the_job_that_the_run_directory_knows_is_wanted(root):
    record(root, "ours")
    check_wanted(task_of(root))


def test_a_job_that_was_ended_is_not(root):
    with pytest.raises(NotWantedError, match="nothing more of encode; `dalle status --dir"):
        check_wanted(task_of(root))


def test_neither_is_one_whose_place_another_has_taken(root):
    record(root, "another's")
    with pytest.raises(NotWantedError):
        check_wanted(task_of(root))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_record_is_no_job(root, content):
    files.write_bytes(RunFolder(root).job, content)
    with pytest.raises(NotWantedError):
        check_wanted(task_of(root))


def test_work_on_this_machine_asks_nothing(root):
    check_wanted(task_of(root, job=""))


def test_long_work_is_done_to_its_end(root, monkeypatch):
    monkeypatch.setattr(wanted, "CHECK_S", 0.01)
    record(root, "ours")
    done = []

    async def work() -> None:
        await asyncio.sleep(0.1)
        done.append(True)

    asyncio.run(while_wanted(work(), task_of(root)))
    assert done


def test_long_work_stops_in_its_middle(root, monkeypatch):
    monkeypatch.setattr(wanted, "CHECK_S", 0.01)
    record(root, "ours")
    ended = []

    async def work() -> None:
        files.remove(RunFolder(root).job)
        try:
            await asyncio.Event().wait()  # which never comes
        finally:
            ended.append(True)

    with pytest.raises(NotWantedError):
        asyncio.run(while_wanted(work(), task_of(root)))
    assert ended


def test_long_work_outlives_a_store_that_does_not_answer(root, monkeypatch):
    monkeypatch.setattr(wanted, "CHECK_S", 0.01)
    asked = []

    def unanswered(url: str) -> None:
        asked.append(url)
        raise ConnectionError("reset")

    monkeypatch.setattr(files, "read_json", unanswered)
    asyncio.run(while_wanted(asyncio.sleep(0.1), task_of(root)))
    assert asked


def test_what_long_work_raises_is_raised(root):
    record(root, "ours")

    async def work() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        asyncio.run(while_wanted(work(), task_of(root)))
