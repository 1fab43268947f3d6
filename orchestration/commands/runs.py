"""The commands that run stages, or end, plan and clean a run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.engine.config import ConfigError
from orchestration.engine.graph import Graph
from orchestration.engine.latest import latest_run
from orchestration.engine.progress import Progress, Quiet
from orchestration.work import (
    Comparison,
    Config,
    RunResult,
    left_to_itself,
    read_config,
    retry_and_report,
    run_and_report,
    work_of,
)

if TYPE_CHECKING:
    from orchestration.engine.cleaning import FreedStage
    from orchestration.engine.preview import RunPlan

DEMO_CONFIG = Path(__file__).resolve().parents[2] / "demo" / "config.yaml"


def run(  # noqa: PLR0913 - the options of the command
    config: Config,
    directory: str = "",
    stages: Sequence[str] = (),
    *,
    workers: int | None = None,
    profile: str = "",
    beam_options: Sequence[str] = (),
    progress: Progress | None = None,
    replaces: bool = False,
    retry: str | Sequence[str] = (),
    detach: bool = False,
) -> RunResult:
    """Run what is missing of a run; finished stages are skipped, interrupted ones go on.

    Args:
        config: settings of the run.
        directory: of the run, a folder or a URL; `runs/<name>` by default.
        stages: the stages to run; all by default.
        workers: processes of the local runner: by default as many as the profile says, or 1, which
            stays in this process; of another runner, how many it has at the most, where its
            options do not say so.
        profile: where to run: `local`, `flink` or another bundled one, or path or URL of a YAML
            file.
        beam_options: passed to Beam, such as `--runner=FlinkRunner`; they go before the profile.
        progress: receives the events; none by default.
        replaces: whether finished stages of another run in the directory may be replaced.
        retry: reasons such as `timed_out`: in place of all else, the rows that finished stages have
            dropped for them are taken up again. All other rows stay as they are. Several in one
            text are parted by commas.
        detach: whether a job on a runner elsewhere is started and left; `status` shows how far it
            is, and `run` does afterwards what is not work on shards.

    Raises:
        UsageError: a setting or an argument is wrong; nothing has been touched.
        ReplacingError: a finished run would be replaced.
        NothingLeftError: a stage has left no row; the report shows why.
        DalleError: whatever else stops a run, with the command that fixes it.
    """
    settings = read_config(config)
    work = work_of(settings, directory, workers, profile, beam_options, replaces=replaces)
    if detach:
        work = left_to_itself(work)
    reasons = retry.split(",") if isinstance(retry, str) else retry  # a text is a sequence, too
    return (
        retry_and_report(work, stages, reasons, progress)
        if reasons
        else run_and_report(work, stages, progress)
    )


def plan(config: Config, directory: str = "", stages: Sequence[str] = ()) -> "RunPlan":
    """What `run` would do with each stage, why, and how much it would write.

    `dalle run --plan` prints it.

    Raises:
        UsageError: a setting or an argument is wrong.
        RunError: a stage reads one that is neither finished nor among those to run.
    """
    from orchestration.engine.disk import disk_need
    from orchestration.engine.preflight import check_inputs, check_settings, chosen_stages
    from orchestration.engine.preview import RunPlan, preview

    work = work_of(read_config(config), directory)
    graph = Graph.of(work.config)
    chosen = chosen_stages(graph.stages, stages)
    check_settings(graph, chosen)
    check_inputs(work, graph, chosen)
    planned = preview(work, graph, chosen, stages)
    return RunPlan(tuple(planned), str(disk_need(work, graph, planned)))


def demo(
    directory: str = "runs/demo",
    *,
    workers: int | None = None,
    profile: str = "",
    beam_options: Sequence[str] = (),
    progress: Progress | None = None,
    replaces: bool = False,
) -> RunResult:
    """Run the whole job on the small real web that comes with the repository.

    Raises:
        ConfigError: the package was installed without the repository.
    """
    if not DEMO_CONFIG.exists():
        raise ConfigError(
            f"{DEMO_CONFIG} is missing: the demo's web comes with the repository, not with the "
            "installed package; clone the repository and run `make demo` there"
        )
    return run(
        DEMO_CONFIG,
        directory,
        workers=workers,
        profile=profile,
        beam_options=beam_options,
        progress=progress,
        replaces=replaces,
    )


def train(
    model: str,
    config: Config,
    directory: str = "",
    *,
    progress: Progress | None = None,
    replaces: bool = False,
) -> RunResult:
    """Train one model of a run, on what its data stages have written.

    Args:
        model: name of a stage that trains, such as `bpe`, `vq` or `prior`.
        config: settings of the run; the model's section may be missing, and is the default then.
        directory: as for `run`.
        progress: receives the events; none by default.
        replaces: as for `run`.

    Raises:
        ConfigError: there is no such model.
    """
    from orchestration.engine.training import with_model

    written = read_config(config)
    completed, names = with_model(written, model)
    work = work_of(completed, directory, replaces=replaces)
    return run_and_report(replace(work, as_written=written), names, progress)


def recipes(
    config: Config,
    names: Sequence[str] = (),
    directory: str = "",
    *,
    workers: int | None = None,
    profile: str = "",
    beam_options: Sequence[str] = (),
    progress: Progress | None = None,
    replaces: bool = False,
) -> Comparison:
    """Compare several recipes on the captions of one crawl, rule by rule.

    Args:
        config: settings of the run; its own recipe is left alone.
        names: of recipes, or paths of YAML files; all bundled ones by default.
        directory: as for `run`.
        workers: as for `run`.
        profile: as for `run`.
        beam_options: as for `run`.
        progress: as for `run`.
        replaces: as for `run`.
    """
    from orchestration.engine.comparison import compare
    from orchestration.report.page import write_report

    settings = read_config(config)
    work = work_of(settings, directory, workers, profile, beam_options, replaces=replaces)
    return Comparison(compare(work, names, progress or Quiet()), write_report(work.root))


def cancel(directory: str = "") -> str:
    """End the job of a run on a runner elsewhere; what was done, in words.

    The record of a job that nobody can be asked about goes, too.

    Raises:
        RunError: there is no job.
        JobError: its service refuses.
    """
    from orchestration.engine.jobs import end_job

    return end_job(directory or latest_run())


def clean(
    directory: str = "",
    stages: Sequence[str] = (),
    *,
    only_plans: bool = False,
    takes_from_web: bool = False,
) -> "list[FreedStage]":
    """Free the rows that no stage needs any longer; `run` makes them again where one does.

    Manifests, dropped rows and what the report shows of them stay.

    Args:
        directory: of the run; the latest below `runs` by default.
        stages: whose rows go; by default of all that are read by stages which are up to date, but
            for token shards and what came from the web.
        only_plans: say what would go, and do nothing.
        takes_from_web: whether named stages may lose rows that only the web can bring back.

    Raises:
        FreeingError: they would.
        UsageError: no such run or stage, or the rows of a named one are needed.
        RunError: a run is at work in the directory.
    """
    from orchestration.engine.cleaning import free_rows
    from orchestration.engine.config import load_run_config
    from orchestration.engine.plan import Run

    root = directory or latest_run()
    work = Run(load_run_config(root), root)
    return free_rows(work, stages, only_plans=only_plans, takes_from_web=takes_from_web)
