"""What commands that run stages have in common: the run that their arguments describe, and its end.

What they need besides is imported when they are called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dalle_model import files
from orchestration.engine.answers import answered
from orchestration.engine.config import RunConfig
from orchestration.engine.config_file import check_config, load_config
from orchestration.engine.latest import default_directory
from orchestration.engine.progress import Progress, Quiet
from pipelines.io.layout import RunFolder

if TYPE_CHECKING:
    from orchestration.engine.plan import Run
    from pipelines.io.manifest import Manifest

Config = str | Path | Mapping[str, Any] | RunConfig


@dataclass(frozen=True)
class RunResult:
    """A run that is up to date, or whose job was left to itself.

    Args:
        directory: URL of the run directory.
        manifests: of the stages that were asked for and are up to date, in order.
        report: URL of the HTML report; of a run that was left, `report` writes it afterwards.
    """

    directory: str
    manifests: "list[Manifest]"
    report: str


@dataclass(frozen=True)
class Comparison:
    """Several recipes compared on one run.

    Args:
        directories: URL of the run directory of each recipe.
        report: URL of the HTML report that shows them side by side.
    """

    directories: list[str]
    report: str


def read_config(config: Config) -> RunConfig:
    """Settings in any of the forms that the functions take; facts of the run answer open ones.

    Raises:
        ConfigError: a setting is wrong.
        StageError: the stages that it asks for do not go together.
    """
    if isinstance(config, RunConfig):
        return answered(config)
    if isinstance(config, Mapping):
        return answered(check_config(config, str(Path.cwd())))
    return answered(load_config(str(config)))


def work_of(
    settings: RunConfig,
    directory: str,
    workers: int | None = None,
    profile: str = "",
    beam_options: Sequence[str] = (),
    *,
    replaces: bool = False,
) -> "Run":
    """A run as the arguments of a command describe it, checked as far as nothing is read.

    Args:
        settings: of the run.
        directory: of the run; `runs/<name>` where it is empty.
        workers: processes; as many as the profile has where it is None.
        profile: name or URL of a profile; empty for none.
        beam_options: passed through to Beam, behind those of the profile.
        replaces: whether finished stages of another run may be replaced.

    Raises:
        UsageError: an argument is wrong.
        NotReadyError: what a runner needs is not there.
    """
    from orchestration.beam.parallelism import workers_of
    from orchestration.beam.profile_arguments import with_profile
    from orchestration.beam.start import check_start
    from orchestration.engine.plan import Run
    from orchestration.engine.preflight import check_directory

    arguments, asked = with_profile(profile, beam_options, workers)
    root = directory or default_directory(settings.name)
    check_directory(root)
    check_start(arguments, root)
    count = workers_of(arguments, asked)
    return Run(
        settings,
        root,
        count or 1,
        tuple(arguments),
        replaces=replaces,
        knows_workers=count is not None,
    )


def left_to_itself(work: "Run") -> "Run":
    """The same run, whose job is started and not waited for.

    Raises:
        UsageError: its job would end with the command.
    """
    from orchestration.beam.jobs import check_can_leave

    check_can_leave(work.beam_options)
    return replace(work, is_left=True)


def run_and_report(work: "Run", stages: Sequence[str], progress: Progress | None) -> RunResult:
    """Bring stages up to date, and write the report, also of a run that has left no row."""
    from orchestration.beam.options import leaves_no_job
    from orchestration.engine.limits import NothingLeftError
    from orchestration.engine.preflight import check_politeness
    from orchestration.engine.run import run_stages
    from orchestration.report.page import write_report

    check_politeness(work, stages)
    try:
        manifests = run_stages(work, stages, progress or Quiet())
    except NothingLeftError:
        write_report(work.root)  # it shows the rows that were dropped
        raise
    if work.is_left or leaves_no_job(work.beam_options):
        return RunResult(work.root, manifests, RunFolder(work.root).report)
    with files.if_writable():  # of a finished run in a place to read from, the old report stays
        write_report(work.root)
    return RunResult(work.root, manifests, RunFolder(work.root).report)


def retry_and_report(
    work: "Run", stages: Sequence[str], reasons: Sequence[str], progress: Progress | None
) -> RunResult:
    """Take up again what stages have dropped for some reasons, and write the report."""
    from orchestration.engine.preflight import check_politeness
    from orchestration.engine.retry import retry_stages
    from orchestration.report.page import write_report

    check_politeness(work, stages)
    found = retry_stages(work, stages, reasons, progress or Quiet())
    if found:
        write_report(work.root)
    return RunResult(work.root, [one.manifest for one in found], RunFolder(work.root).report)
