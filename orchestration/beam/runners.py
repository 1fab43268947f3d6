"""Beam options for a run: a local runner by name, or whatever the user passes through."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dalle_model.errors import UsageError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

LOCAL_RUNNER = "FnApiRunner"


class RunnerError(UsageError):
    """The requested runner or one of its options cannot be used."""


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
    if runner not in {None, "DirectRunner", LOCAL_RUNNER}:
        return list(passed_through)
    kept = _without_runner(passed_through)
    if workers < 2:
        return [f"--runner={LOCAL_RUNNER}", *kept]
    mode = ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
    return [f"--runner={LOCAL_RUNNER}", *mode, *kept]


def chosen_runner(passed_through: Sequence[str]) -> str | None:
    """The value of `--runner` among Beam's options; None if it is absent."""
    for position, argument in enumerate(passed_through):
        if argument.startswith("--runner="):
            return argument.partition("=")[2]
        if argument == "--runner" and position + 1 < len(passed_through):
            return passed_through[position + 1]
    return None


def is_local(passed_through: Sequence[str]) -> bool:
    """Whether the stages run on this machine, under this command."""
    return chosen_runner(passed_through) in {None, "DirectRunner", LOCAL_RUNNER}


def check_options(passed_through: Sequence[str]) -> None:
    """Refuse options that neither this command nor Beam knows; other runners have their own.

    Raises:
        RunnerError: an unknown option, or a runner that is not supported.
    """
    beam_arguments(1, passed_through)
    if not passed_through or not is_local(passed_through):
        return
    from apache_beam.options.pipeline_options import PipelineOptions

    known = PipelineOptions(list(passed_through)).get_all_options(retain_unknown_options=False)
    names = [argument.partition("=")[0] for argument in passed_through if argument[:2] == "--"]
    unknown = [n for n in names if n[2:].replace("-", "_").removeprefix("no_") not in known]
    if unknown:
        raise RunnerError(f"no such option: {unknown[0]}; `dalle run --help` lists ours")


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
