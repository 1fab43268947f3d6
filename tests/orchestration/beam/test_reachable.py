"""A service that is away is named with its address and with what to start, and nothing waits."""

import shutil

import pytest

from orchestration.beam.private import job_service_options
from orchestration.beam.reachable import check_reachable, host_and_port
from orchestration.beam.runners import NotReadyError, RunnerError
from tests.support.job_service import job_service, nobody, other_service, silence

SHORT_S, LONG_S = 0.3, 60.0  # until an answer that never comes, or that may be slow


def portable(endpoint: str, *more: str) -> list[str]:
    return ["--runner=PortableRunner", f"--job_endpoint={endpoint}", *more]


def test_a_job_service_says_which_options_it_knows():
    with job_service("object_reuse", "faster_copy") as endpoint:
        assert job_service_options(endpoint, LONG_S) == {"object_reuse", "faster_copy"}
        check_reachable(portable(endpoint, "--object_reuse", "--parallelism=2"), LONG_S)
        with pytest.raises(RunnerError, match="no such option: --object_resue; did you mean"):
            check_reachable(portable(endpoint, "--object_resue"), LONG_S)


def test_a_job_service_that_is_away_is_named_with_what_to_start():
    endpoint = nobody()
    with pytest.raises(NotReadyError) as caught:
        check_reachable(portable(endpoint), LONG_S)
    said = str(caught.value)
    assert said.startswith(f"no job service at {endpoint}: Connection refused; start the job ")
    assert "local_job_service_main --port 8099`" in said
    with pytest.raises(NotReadyError, match=r"`java -jar beam-runners-flink-.*--flink-master=HOST"):
        check_reachable(["--runner=flink", f"--job_endpoint={endpoint}"], LONG_S)


def test_what_listens_and_never_answers_is_not_waited_for():
    with silence() as endpoint, pytest.raises(NotReadyError, match=r"no answer within 0\.3 s"):
        check_reachable(portable(endpoint), SHORT_S)


def test_another_service_is_told_from_a_job_service():
    with other_service() as endpoint, pytest.raises(NotReadyError, match="is no job service"):
        check_reachable(portable(endpoint), LONG_S)


@pytest.mark.parametrize("endpoint", ["flink", "http://flink:8099"])
def test_what_is_no_address_is_refused(endpoint):
    with pytest.raises(RunnerError, match=f"--job_endpoint: {endpoint}: not HOST:PORT"):
        check_reachable(portable(endpoint), SHORT_S)


def test_the_artifact_service_is_asked_too():
    address = nobody()
    with job_service() as endpoint, pytest.raises(NotReadyError) as caught:
        check_reachable(portable(endpoint, f"--artifact_endpoint={address}"), LONG_S)
    said = f"--artifact_endpoint: nothing listens at {address}: Connection refused; start it"
    assert str(caught.value).startswith(said)


def test_a_pool_on_this_machine_is_asked_where_the_engine_is_here_too():
    away = ["--environment_type=EXTERNAL", f"--environment_config={nobody()}"]
    with job_service() as endpoint:
        with pytest.raises(NotReadyError, match="the worker pool of the environment EXTERNAL: not"):
            check_reachable(portable(endpoint, *away), LONG_S)
        with silence() as pool:
            there = ["--environment_type=EXTERNAL", f"--environment_config={pool}"]
            check_reachable(portable(endpoint, *there), LONG_S)
        elsewhere = ["--environment_type=EXTERNAL", "--environment_config=worker.test:50000"]
        check_reachable(portable(endpoint, *elsewhere), LONG_S)


def test_a_cluster_needs_java_and_an_address_that_answers(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    check_reachable(["--runner=FlinkRunner"], SHORT_S)  # an embedded one
    address = nobody()
    with pytest.raises(NotReadyError, match=f"--flink_master: nothing listens at {address}"):
        check_reachable(["--runner=FlinkRunner", f"--flink_master={address}"], LONG_S)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NotReadyError, match="with `java`, which is not on the PATH: install Java"):
        check_reachable(["--runner=FlinkRunner"], SHORT_S)


@pytest.mark.parametrize(
    "options", [[], ["--runner=PrismRunner"], ["--runner=DataflowRunner", "--dry_run=True"]]
)
def test_where_nothing_need_be_there_nothing_is_asked(options):
    check_reachable(options, SHORT_S)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:8099", ("localhost", 8099)),
        ("[::1]:50000", ("::1", 50000)),
        ("http://host:8081/", ("host", 8081)),
        ("host", None),
        ("host:http", None),
        ("host:65536", None),
        (":80", None),
    ],
)
def test_an_address_is_a_host_and_a_port(address, expected):
    assert host_and_port(address) == expected
