import os

import pytest

from orchestration.beam.runners import (
    LONGEST_JOB_S,
    RunnerError,
    beam_arguments,
    chosen_runner,
    is_local,
    pipeline_options,
)
from orchestration.cli.options import split_arguments


def test_the_local_runner_is_named_never_bare_direct_runner():
    assert beam_arguments(1, []) == ["--runner=FnApiRunner"]
    assert beam_arguments(1, ["--runner", "DirectRunner"]) == ["--runner=FnApiRunner"]
    assert beam_arguments(1, ["--runner=DirectRunner"]) == ["--runner=FnApiRunner"]


def test_two_workers_are_two_processes():
    options = beam_arguments(2, ["--temp_location=/x"])
    assert "--direct_running_mode=multi_processing" in options
    assert "--direct_num_workers=2" in options
    assert "--temp_location=/x" in options


def test_another_runner_gets_its_options_untouched():
    options = ["--runner=FlinkRunner", "--flink_master=localhost:8081", "--anything=1"]
    assert beam_arguments(2, options) == options
    assert not is_local(options)


@pytest.mark.parametrize("runner", ["PortableRunner", "prism"])
def test_a_job_may_last_longer_than_beams_five_minutes(runner):
    given = [f"--runner={runner}", "--parallelism=2"]
    options = pipeline_options(1, given).get_all_options()
    assert options["job_server_timeout"] == LONGEST_JOB_S
    asked = pipeline_options(1, [*given, "--job-server-timeout", "60"]).get_all_options()
    assert asked["job_server_timeout"] == 60


def test_the_dask_runner_is_refused_with_the_reason():
    with pytest.raises(
        RunnerError, match=r"not supported: in Beam 2\.77 it ends in state DONE with"
    ):
        beam_arguments(1, ["--runner=DaskRunner"])


@pytest.mark.parametrize(
    ("options", "runner"),
    [
        ([], None),
        (["--runner=flink"], "FlinkRunner"),
        (["--runner", "DATAFLOWRUNNER"], "DataflowRunner"),
        (["--runner=FlinkRunner", "--runner", "direct"], "DirectRunner"),
        (["--runner=apache_beam.runners.portability.prism_runner.PrismRunner"], "PrismRunner"),
        (["--runner=mine.FlinkRunner"], "mine.FlinkRunner"),
        (["--runner"], None),
    ],
)
def test_a_runner_is_chosen_in_any_spelling_and_the_last_one_counts(options, runner):
    assert chosen_runner(options) == runner
    assert is_local(options) == (runner in {None, "DirectRunner"})


def test_options_leave_the_environment_as_it_was(monkeypatch):
    monkeypatch.delenv("NO_GCE_CHECK", raising=False)
    before = dict(os.environ)
    options = pipeline_options(2, ["--temp_location=/x"]).get_all_options()
    assert (options["direct_num_workers"], options["save_main_session"]) == (2, False)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("arguments", "names", "options"),
    [
        ([], [], []),
        (["crawl", "fetch"], ["crawl", "fetch"], []),
        (["crawl", "--runner=X"], ["crawl"], ["--runner=X"]),
        (["--runner", "X", "crawl"], ["crawl"], ["--runner", "X"]),
        (["crawl", "--runner", "X", "--a=b"], ["crawl"], ["--runner", "X", "--a=b"]),
    ],
)
def test_stages_and_beam_options_are_told_apart(arguments, names, options):
    assert split_arguments(arguments) == (names, options)
