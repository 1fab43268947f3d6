"""Beam options for a run: a local runner by name, or whatever the user passes through."""

import io
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

from dalle_model.errors import UsageError
from pipelines.io.suggest import did_you_mean

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

LOCAL_RUNNER = "FnApiRunner"
OURS = ("--config", "--dir", "--workers", "--plan", "--yes")  # meant by those that miss them


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
    """Refuse what Beam would refuse later, and options that nobody knows.

    Runners other than the local one may have options of their own, which pass.

    Raises:
        RunnerError: an unknown runner or option, a wrong value, or a runner that is not supported.
    """
    beam_arguments(1, passed_through)
    if not passed_through:
        return
    known = _parsed(passed_through)
    if not is_local(passed_through):
        _check_runner(chosen_runner(passed_through) or "")
        return
    names = [argument.partition("=")[0] for argument in passed_through if argument[:1] == "-"]
    unknown = [n for n in names if n[2:].replace("-", "_").removeprefix("no_") not in known]
    if unknown:
        near = did_you_mean(unknown[0], [*OURS, *(f"--{name}" for name in known)])
        meant = f"did you mean `{near}`?" if near else "`dalle run --help` lists ours"
        raise RunnerError(f"no such option: {unknown[0][:80]}; {meant}")


def _parsed(passed_through: Sequence[str]) -> dict[str, Any]:
    """The options that Beam knows, by name; it reports a wrong one by leaving the program."""
    from apache_beam.options.pipeline_options import PipelineOptions

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            options = PipelineOptions(list(passed_through))
            return dict(options.get_all_options(retain_unknown_options=False))
    except SystemExit as error:
        *_, reason = said.getvalue().strip().splitlines() or [""]
        problem = reason.partition("error: ")[2] or reason
        raise RunnerError(f"Beam refuses its options: {problem[:300]}") from error


def _check_runner(name: str) -> None:
    """Refuse a runner that Beam does not know; a name with dots is that of any other class."""
    from apache_beam.options.pipeline_options import StandardOptions

    known = [path.rpartition(".")[2] for path in StandardOptions.ALL_KNOWN_RUNNERS]
    spelt = {known_name.lower() for known_name in known}
    if "." not in name and not {name.lower(), f"{name.lower()}runner"} & spelt:
        near = did_you_mean(name, known)
        meant = f"did you mean `{near}`?" if near else f"known are {', '.join(known)}"
        raise RunnerError(f"no such runner: {name[:80]}; {meant}")


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
