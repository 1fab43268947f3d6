"""A job on Dataflow, by the service's REST API: its state, and its end.

Source: Dataflow API v1b3, `projects.locations.jobs`, methods `get` and `update`.
"""

from collections.abc import Mapping
from typing import Any

from orchestration.beam.runners import JobError

SERVICE = "https://dataflow.googleapis.com/v1b3"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ANSWER_S = 30.0  # of the service; chosen: a sign-in and a request take less than one
_STATE = "JOB_STATE_"  # what Dataflow's names have before Beam's
_NOT_FOUND = 404


def place_of(options: Mapping[str, Any]) -> str:
    """The part of a job's URL before `jobs/`; empty without a project or a region."""
    project, region = options["project"], options["region"]
    return f"projects/{project}/locations/{region}" if project and region else ""


def state(place: str, job: str) -> str:
    """The state of a job, in Beam's words; `UNKNOWN` where the service does not know the job.

    Args:
        place: as `place_of` gives it.
        job: its name there.

    Raises:
        JobError: the service cannot be asked, or refuses.
    """
    answer = _asked("GET", place, job)
    if answer.status_code == _NOT_FOUND:
        return "UNKNOWN"
    _check(answer, job)
    return str(answer.json().get("currentState", "UNKNOWN")).removeprefix(_STATE)


def cancel(place: str, job: str) -> None:
    """Tell a job to end; raises as `state`, also for a job that the service does not know."""
    _check(_asked("PUT", place, job, {"requestedState": f"{_STATE}CANCELLED"}), job)


def _asked(method: str, place: str, job: str, body: Mapping[str, str] | None = None) -> Any:
    url = f"{SERVICE}/{place}/jobs/{job}"
    try:
        return _session().request(method, url, json=body, timeout=ANSWER_S)
    except Exception as error:  # of `requests` and of `google.auth`, which share no class
        raise JobError(f"Dataflow cannot be asked for job {job}: {error}") from error


def _session() -> Any:
    """A `requests.Session` with the credentials that Beam uses as well.

    Raises:
        JobError: the library is not installed.
        google.auth.exceptions.GoogleAuthError: there are no credentials.
    """
    try:
        from google.auth import default
        from google.auth.transport.requests import AuthorizedSession
    except ImportError as error:
        raise JobError("its library is not installed; run `pip install 'dalle[gcp]'`") from error
    return AuthorizedSession(default(scopes=[SCOPE])[0])


def _check(answer: Any, job: str) -> None:
    if not answer.ok:
        said = answer.text.strip()[:300]
        raise JobError(f"Dataflow refuses to answer for job {job}: {answer.status_code} {said}")
