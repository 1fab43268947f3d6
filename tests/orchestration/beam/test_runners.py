import os

import pytest

from orchestration.beam.runners import (
    RunnerError,
    beam_arguments,
    check_options,
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
    check_options(options)  # its job server knows options that Beam's Python side does not


def test_the_dask_runner_is_refused_with_the_reason():
    with pytest.raises(
        RunnerError, match=r"not supported: in Beam 2\.77 it ends in state DONE with"
    ):
        check_options(["--runner=DaskRunner"])


def test_a_misspelt_option_is_refused():
    check_options(["--temp_location=/x", "--no_save_main_session"])
    with pytest.raises(RunnerError, match="no such option: --wrokers; did you mean `--workers`"):
        check_options(["--wrokers", "2"])
    with pytest.raises(RunnerError, match="no such option: -n; `dalle run --help` lists ours"):
        check_options(["-n", "3"])


def test_a_wrong_value_is_refused_in_a_line_and_beam_prints_nothing(capfd):
    for runner in ([], ["--runner=FlinkRunner"]):
        with pytest.raises(RunnerError, match=r"--direct_num_workers: invalid int value: 'two'$"):
            check_options([*runner, "--direct_num_workers=two"])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("runner", "meant"),
    [("FlnikRunner", "did you mean `FlinkRunner`"), ("xyzzy", "known are .*DataflowRunner")],
)
def test_an_unknown_runner_is_refused(runner, meant):
    with pytest.raises(RunnerError, match=f"no such runner: {runner}; {meant}"):
        check_options([f"--runner={runner}"])


@pytest.mark.parametrize("runner", ["FlinkRunner", "flink", "DATAFLOWRUNNER", "mine.MyRunner"])
def test_a_runner_that_beam_knows_passes(runner):
    check_options(["--runner", runner])


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
