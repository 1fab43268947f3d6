"""Beam's options: what it reads of them, and what is refused before anything starts."""

import io
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stderr
from typing import Any

from orchestration.beam.runners import (
    DATAFLOW,
    LOCAL_RUNNER,
    RunnerError,
    beam_arguments,
    chosen_runner,
    is_local,
)
from pipelines.io.suggest import did_you_mean

# What is meant by those that miss it.
OURS = ("--config", "--dir", "--plan", "--profile", "--workers", "--yes")
ON_DATAFLOW = ("dry_run", "template_location")  # no other runner reads them: it would run the job


def leaves_no_job(passed_through: Sequence[str]) -> bool:
    """Whether the runner builds the graph, or a template of it, and runs nothing.

    Beam takes every `--dry_run` for one, `--dry_run=False` too. Source: apache-beam 2.77.0,
    `runners/dataflow/dataflow_runner.py: run_pipeline`.
    """
    if chosen_runner(passed_through) != DATAFLOW:
        return False
    options = options_of(passed_through)
    return any(options[name] for name in ON_DATAFLOW)


def check_options(passed_through: Sequence[str]) -> None:
    """Refuse what Beam would refuse later, what it would leave out, and what nobody knows.

    A runner of another package may have options of its own, which pass. So may a job service,
    which `orchestration.beam.reachable` asks for them.

    Raises:
        RunnerError: an unknown runner or option, a wrong value, or a runner that is not supported.
    """
    beam_arguments(1, passed_through)
    if not passed_through:
        return
    options = options_of(passed_through)
    runner = chosen_runner(passed_through) or LOCAL_RUNNER
    if not is_local(passed_through):
        _check_runner(runner)
    if "." not in runner and not options["job_endpoint"]:
        check_known(passed_through)
    for name in ON_DATAFLOW if runner != DATAFLOW else ():
        if options[name]:
            raise RunnerError(
                f"--{name} is for DataflowRunner: {runner} would run the job all the same; "
                "`dalle run --plan` says what a run would do"
            )


def check_known(passed_through: Sequence[str], more: Collection[str] = ()) -> None:
    """Refuse options that nobody knows.

    Args:
        passed_through: Beam options, as the user wrote them.
        more: names that Beam's own parser does not know.

    Raises:
        RunnerError: names the first one, and what it may have meant.
    """
    options, left = _parsed(passed_through)
    names = [argument.partition("=")[0] for argument in left if _is_name(argument)]
    unknown = [name for name in names if name.lstrip("-") not in more]
    if unknown:
        near = did_you_mean(unknown[0], [*OURS, *(f"--{name}" for name in (*options, *more))])
        meant = f"did you mean `{near}`?" if near else "`dalle run --help` lists ours"
        raise RunnerError(f"no such option: {unknown[0][:80]}; {meant}")


def options_of(passed_through: Sequence[str]) -> Mapping[str, Any]:
    """The values of all options that Beam knows, as it reads them.

    Raises:
        RunnerError: a value is wrong.
    """
    return _parsed(passed_through)[0]


def _parsed(passed_through: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The options that Beam knows, by name, and what it leaves over.

    It reports a wrong value by leaving the program.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    said, parsers = io.StringIO(), list[Any]()
    try:
        with redirect_stderr(said):
            options = PipelineOptions(list(passed_through))
            known = options.get_all_options(add_extra_args_fn=parsers.append)
            return dict(known), parsers[0].parse_known_args(list(passed_through))[1]
    except SystemExit as error:
        *_, reason = said.getvalue().strip().splitlines() or [""]
        problem = reason.partition("error: ")[2] or reason
        raise RunnerError(f"Beam refuses its options: {problem[:300]}") from error


def _is_name(argument: str) -> bool:
    """Whether it is the name of an option, and not a value such as -1."""
    return argument.startswith("-") and not argument[1:2].isdigit()


def _check_runner(name: str) -> None:
    """Refuse a runner that Beam does not know; a name with dots is that of any other class."""
    from apache_beam.options.pipeline_options import StandardOptions

    known = [path.rpartition(".")[2] for path in StandardOptions.ALL_KNOWN_RUNNERS]
    spelt = {known_name.lower() for known_name in known}
    if "." not in name and not {name.lower(), f"{name.lower()}runner"} & spelt:
        near = did_you_mean(name, known)
        meant = f"did you mean `{near}`?" if near else f"known are {', '.join(known)}"
        raise RunnerError(f"no such runner: {name[:80]}; {meant}")
