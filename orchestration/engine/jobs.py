"""The job that is at work for a run directory: one at a time, on disks and in object stores."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dalle_model import files
from orchestration.beam.jobs import ENDED, JobId, cancel, state
from orchestration.beam.runners import JobError
from orchestration.engine.plan import RunError
from pipelines.io.layout import RunFolder

UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class JobRecord:
    """What a run directory knows of a job.

    Args:
        id: where it is; without the name of a job while it is being started.
        stages: that it does.
        host: from which it was started.
        began: when, in UTC, as ISO 8601.
        key: by which its workers know that it is still wanted.
    """

    id: JobId
    stages: tuple[str, ...]
    host: str
    began: str
    key: str = ""

    def __str__(self) -> str:
        name = self.id.job or "a job that was being started"
        return f"{name} ({self.id.runner}, since {self.began}, from {self.host})"


def current_job(root: str) -> JobRecord | None:
    """The job of a run directory; None where there is none, or what is there is no record.

    Args:
        root: URL of the run directory.
    """
    try:
        found: dict[str, Any] = files.read_json(RunFolder(root).job)
        return JobRecord(**found | {"id": JobId(**found["id"]), "stages": tuple(found["stages"])})
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def state_of(record: JobRecord) -> str:
    """The state of a job in Beam's words; `UNKNOWN` where nobody can say."""
    try:
        return state(record.id)
    except JobError:
        return UNKNOWN


def has_ended(record: JobRecord) -> bool:
    """Whether a job is known to have ended."""
    return state_of(record) in ENDED


def check_no_job(root: str) -> None:
    """Refuse a run directory in which a job is at work; the record of one that has ended goes.

    Raises:
        RunError: with how to look at it, and how to end it.
    """
    record = current_job(root)
    if record is None:
        return
    found = state_of(record)
    if found in ENDED:
        files.remove(RunFolder(root).job)
        return
    what = "is at work" if found != UNKNOWN else "may be at work, and cannot be asked"
    raise RunError(
        f"{root}: job {record} {what}; `dalle status --dir {root}` shows how far it is, and "
        f"`dalle cancel --dir {root}` ends it"
    )


@contextmanager
def recorded(root: str, stages: Sequence[str], runner: str, key: str) -> Iterator["Recording"]:
    """Hold a run directory for a job, from before its start until the block ends.

    Args:
        root: URL of the run directory.
        stages: that the job does.
        runner: of Beam.
        key: that its workers have as well; without this record they write nothing.

    Raises:
        RunError: another job has come first.
    """
    began = datetime.now(UTC).isoformat(timespec="seconds")
    record = JobRecord(JobId(runner), tuple(stages), socket.gethostname(), began, key)
    try:
        files.create(RunFolder(root).job, _json(record))
    except FileExistsError as error:
        raise RunError(f"another job is at work in {root}; wait for it, or use --dir") from error
    recording = Recording(root, record)
    try:
        yield recording
    finally:
        if not recording.stays:
            files.remove(RunFolder(root).job)


class Recording:
    """The record of a job while this process has to do with it.

    Attributes:
        record: as it stands in the run directory.
        stays: whether the job goes on when this process ends.
    """

    def __init__(self, root: str, record: JobRecord) -> None:
        self._root, self.record, self.stays = root, record, False

    def started(self, job: JobId) -> None:
        """The job has a name now."""
        self.record = replace(self.record, id=job)
        files.write_bytes(RunFolder(self._root).job, _json(self.record))


def end_job(root: str) -> str:
    """Cancel the job of a run directory, and forget it; what was done, for a person.

    Raises:
        RunError: there is none.
    """
    record = current_job(root)
    if record is None:
        raise RunError(f"no job is at work in {root}; `dalle status --dir {root}` shows the stages")
    found = state_of(record)
    if found not in {*ENDED, UNKNOWN}:
        cancel(record.id)
    files.remove(RunFolder(root).job)
    if found in ENDED:
        return f"job {record} had ended: {found}"
    if found == UNKNOWN:
        return f"job {record} cannot be asked; where it still runs, it writes nothing more"
    return f"job {record} is cancelled; finished shards are kept"


def _json(record: JobRecord) -> bytes:
    return (json.dumps(asdict(record), indent=2, sort_keys=True) + "\n").encode()
