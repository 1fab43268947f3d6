"""Options of Beam that it would refuse late, or leave out in silence, are refused at once."""

import pytest

from orchestration.beam.options import check_known, check_options, leaves_no_job, options_of
from orchestration.beam.runners import RunnerError


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


@pytest.mark.parametrize("runner", ["FlinkRunner", "DataflowRunner", "PrismRunner", "spark"])
def test_a_misspelt_option_is_refused_on_every_runner(runner):
    with pytest.raises(RunnerError, match="no such option: --paralelism; did you mean"):
        check_options([f"--runner={runner}", "--paralelism=3"])


def test_every_spelling_that_beam_takes_is_known():
    check_options(["--environment_options=a=b", "--environment_option", "a=b", "--label=x=y"])
    check_options(["--worker_machine_type=n1", "--job-server-timeout=3", "--direct_num_workers=-1"])


def test_a_runner_of_another_package_and_a_job_service_have_options_of_their_own():
    check_options(["--runner=mine.MyRunner", "--anything=1"])
    options = ["--runner=FlinkRunner", "--job_endpoint=localhost:8099", "--object_reuse"]
    check_options(options)
    check_known(options, {"object_reuse"})
    with pytest.raises(RunnerError, match="--object_reuse; did you mean `--object_re_use`"):
        check_known(options, {"object_re_use"})


def test_a_value_below_zero_is_no_option():
    check_known(["--execution_retry_delay", "-1"], {"execution_retry_delay"})


def test_options_are_read_as_beam_reads_them():
    options = options_of(["--parallelism", "3", "--parallelism=4", "--experiment=a"])
    assert (options["parallelism"], options["experiments"]) == (4, ["a"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], False),
        (["--runner=DataflowRunner"], False),
        (["--runner=DataflowRunner", "--dry_run=True"], True),
        (["--runner=DataflowRunner", "--dry_run=False"], True),  # as Beam takes it
        (["--runner=dataflow", "--template_location", "gs://bucket/template"], True),
    ],
)
def test_a_dry_run_and_a_template_leave_no_job(options, expected):
    check_options(options)
    assert leaves_no_job(options) == expected


@pytest.mark.parametrize("option", ["--dry_run=True", "--template_location=gs://b/t"])
@pytest.mark.parametrize("runner", [[], ["--runner=FlinkRunner"]])
def test_a_dry_run_that_would_run_is_refused(runner, option):
    name = option.partition("=")[0]
    with pytest.raises(RunnerError, match=f"{name} is for DataflowRunner: .* would run the job"):
        check_options([*runner, option])
    assert not leaves_no_job([*runner, option])
