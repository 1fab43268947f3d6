"""The runner of a run: a local one by name, or whatever the user chooses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dalle_model.errors import DalleError, UsageError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

LOCAL_RUNNER = "FnApiRunner"
DATAFLOW, FLINK, PORTABLE = "DataflowRunner", "FlinkRunner", "PortableRunner"
PRISM, SPARK = "PrismRunner", "SparkRunner"
# What is told apart here; Beam takes these names in any case, and without `Runner`.
_RUNNERS = ("DaskRunner", DATAFLOW, "DirectRunner", FLINK, LOCAL_RUNNER, PORTABLE, PRISM, SPARK)
# Beam bounds by its `job_server_timeout`, 300 s by default, also how long it follows a job, where
# the job service knows that by the name under which it was prepared: its own one and Prism do.
# Source: apache-beam 2.77.0, `runners/portability/portable_runner.py: JobServiceHandle.run`.
LONGEST_JOB_S = 30 * 24 * 3600  # chosen: no job lasts as long


class RunnerError(UsageError):
    """The requested runner or one of its options cannot be used."""


class JobError(DalleError):
    """A job cannot be asked for its state, or cannot be cancelled."""


class NotReadyError(DalleError):
    """What a runner needs is not there: a service that answers, or a library."""


def beam_arguments(workers: int, passed_through: Sequence[str]) -> list[str]:
    """Beam's command line for one stage.

    The local runner is `FnApiRunner` by name: bare `DirectRunner` first tries to download another
    runner (apache/beam PR #34612). With two or more workers it starts that many processes.

    Args:
        workers: processes on this machine; 1 stays in this process.
        passed_through: Beam options, as the user wrote them.

    Raises:
        RunnerError: the Dask runner, which silently loses rows.
    """
    runner = chosen_runner(passed_through)
    if runner == "DaskRunner":
        raise RunnerError(
            "DaskRunner is not supported: in Beam 2.77 it ends in state DONE with branches, tagged "
            "outputs and last batches missing; use --workers N, FlinkRunner or DataflowRunner"
        )
    if runner in {PORTABLE, PRISM}:  # an option that is given goes before ours, as it stands later
        return [f"--job_server_timeout={LONGEST_JOB_S}", *passed_through]
    if runner not in {None, "DirectRunner", LOCAL_RUNNER}:
        return list(passed_through)
    kept = _without_runner(passed_through)
    if workers < 2:
        return [f"--runner={LOCAL_RUNNER}", *kept]
    mode = ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
    return [f"--runner={LOCAL_RUNNER}", *mode, *kept]


def chosen_runner(passed_through: Sequence[str]) -> str | None:
    """The runner that Beam's options choose, by its class; None if they choose none.

    Of several `--runner` the last one counts, as it does for Beam.
    """
    found = None
    for position, argument in enumerate(passed_through):
        if argument.startswith("--runner="):
            found = argument.partition("=")[2]
        elif argument == "--runner" and position + 1 < len(passed_through):
            found = passed_through[position + 1]
    return None if found is None else _class_name(found)


def _class_name(runner: str) -> str:
    spelt = runner.rpartition(".")[2] if runner.startswith("apache_beam.") else runner
    named = {name.lower(): name for name in _RUNNERS}
    return named.get(spelt.lower()) or named.get(f"{spelt.lower()}runner", runner)


def is_local(passed_through: Sequence[str]) -> bool:
    """Whether the stages run on this machine, under this command."""
    return chosen_runner(passed_through) in {None, "DirectRunner", LOCAL_RUNNER}


def pipeline_options(workers: int, passed_through: Sequence[str]) -> "PipelineOptions":
    """Beam's options object for one stage; imports Beam and leaves the environment as it is."""
    from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

    options = PipelineOptions(beam_arguments(workers, passed_through))
    options.view_as(SetupOptions).save_main_session = False  # all code is in installed packages
    return options


def _without_runner(passed_through: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skips_next = False
    for argument in passed_through:
        if skips_next:
            skips_next = False
        elif argument == "--runner":
            skips_next = True
        elif not argument.startswith("--runner="):
            kept.append(argument)
    return kept
