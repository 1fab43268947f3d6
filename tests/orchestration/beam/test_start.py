"""What is written is checked before anything is asked."""

import pytest

from orchestration.beam.profile_arguments import with_profile
from orchestration.beam.runners import NotReadyError, RunnerError
from orchestration.beam.start import check_start
from tests.support.job_service import job_service, nobody, silence


def flink(endpoint: str, *more: str) -> list[str]:
    given = [f"--job_endpoint={endpoint}", f"--artifact_endpoint={endpoint}", *more]
    return with_profile("flink", given)[0]


def test_a_run_whose_services_answer_may_start():
    with job_service() as endpoint, silence() as pool:
        check_start(flink(endpoint, f"--environment_config={pool}"), "/shared/run")


def test_the_directory_is_refused_before_a_service_is_asked():
    with pytest.raises(RunnerError, match="runs/x: each worker of FlinkRunner"):
        check_start(flink(nobody()), "runs/x")
    with pytest.raises(NotReadyError, match="no job service at"):
        check_start(flink(nobody()), "/shared/run")
