"""What the command line does, as functions: one a command, each with a result that is a value.

A notebook imports them from `dalle`. Settings are the path of a YAML file, a mapping with the same
keys, or a `RunConfig`; the relative paths of a mapping count from the working directory. Nothing is
printed: pass a `Progress` to follow a run.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dalle_model.settings import SampleSettings
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
    from orchestration.engine.first_config import FirstConfig
    from orchestration.engine.preview import RunPlan
    from orchestration.engine.settings_list import Setting
    from orchestration.engine.status import RunStatus
    from orchestration.engine.verify import Verification
    from orchestration.export.run import ExportResult
    from orchestration.report.explanation import Explanation
    from orchestration.scale.plan import Estimate

DEMO_CONFIG = Path(__file__).resolve().parents[1] / "demo" / "config.yaml"


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


def init(
    path: str,
    out: str = "dalle.yaml",
    *,
    url_column: str = "",
    caption_column: str = "",
    image_column: str = "",
    replaces: bool = False,
) -> "FirstConfig":
    """Look at what is at a path, and write a config that takes it to tokens.

    Args:
        path: a file, folder or glob, on a disk or in a store, or URL of a site to crawl.
        out: URL of the config.
        url_column: of a table, where it cannot be told by its name.
        caption_column: likewise.
        image_column: likewise.
        replaces: whether a file that is there may be replaced.

    Raises:
        UsageError: nothing is there that can be read, a column cannot be told, or the config is
            there already.
    """
    from orchestration.engine.first_config import write_first_config

    given = {
        "url_column": url_column,
        "caption_column": caption_column,
        "image_column": image_column,
    }
    columns = {setting: name for setting, name in given.items() if name}
    return write_first_config(path, out, columns, replaces=replaces)


def settings(name: str = "", config: str = "") -> "list[Setting]":
    """Every setting with its type, default and meaning; `dalle config` prints it.

    Args:
        name: of a setting, such as `images.side`, or of a section; all by default.
        config: path or URL of a config file, whose values are told with where they come from.

    Raises:
        ConfigError: no such setting, or a config that is wrong.
    """
    from orchestration.engine.settings_list import all_settings, chosen, settings_in

    return chosen(settings_in(config) if config else all_settings(), name)


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


def estimate(
    pairs: float,
    profile: str = "local",
    *,
    hours: float = 168,
    months: float = 1,
    prices: str = "",
) -> "Estimate":
    """What a run of some size would need: workers, bytes, money, and what gives way first.

    Counted from what a row costs each stage, as measured; `dalle plan` prints it.

    Args:
        pairs: image-caption pairs, all of which every stage is taken to see.
        profile: `local`, `flink` or `dataflow`.
        hours: in which it should be done; a week by default.
        months: for which the run directory is kept.
        prices: URL of a YAML file with what you pay; by default examples.

    Raises:
        UsageError: no such profile, a number that makes no sense, or a file that holds no prices.
    """
    from orchestration.scale.plan import estimate as estimated
    from orchestration.scale.prices import EXAMPLE, read_prices

    paid = read_prices(prices) if prices else EXAMPLE
    return estimated(pairs, profile, hours, paid, months)


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
        model: name of a stage that trains, such as `bpe`, `dvae` or `prior`.
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


def explain(query: str, directory: str = "", recipe: str = "") -> "Explanation":
    """Trace rows through the stages, or apply a recipe to a text.

    Args:
        query: a key, an image or page URL, or the start of one; the name of an image or its last
            parts; or any text.
        directory: of the run; the latest below `runs` by default.
        recipe: for a text: a recipe in place of the run's own.

    Raises:
        ExplainError: no such row.
        NoRunError: no such run.
        ConfigError: a recipe for what is no text.
    """
    from orchestration.report.explanation import explained

    return explained(query, directory, recipe)


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


def status(directory: str = "") -> "RunStatus":
    """How far a run is, and its job on a runner elsewhere, by what the run directory knows.

    Raises:
        NoRunError: no such run.
    """
    from orchestration.engine.status import run_status

    return run_status(directory or latest_run())


def cancel(directory: str = "") -> str:
    """End the job of a run on a runner elsewhere; what was done, in words.

    The record of a job that nobody can be asked about goes, too.

    Raises:
        RunError: there is no job.
        JobError: its service refuses.
    """
    from orchestration.engine.jobs import end_job

    return end_job(directory or latest_run())


def report(directory: str = "") -> str:
    """Build the HTML report again, from the run directory alone; its URL."""
    from orchestration.report.page import write_report

    return write_report(directory or latest_run())


def verify(directory: str = "") -> "Verification":
    """Check every file of a run against its manifest.

    Raises:
        VerificationError: a file is corrupt, missing or too many; names each.
    """
    from orchestration.engine.verify import verify_run

    return verify_run(directory or latest_run())


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


def sample(
    caption: str,
    number: int = 8,
    directory: str = "",
    out: str = "samples.png",
    *,
    settings: SampleSettings | None = None,
    progress: Progress | None = None,
) -> str:
    """Draw images for a caption with the prior of a run, as one PNG; its URL.

    A warning in the log tells what the prior does not read of a long caption.

    Args:
        caption: what the images should show.
        number: of images.
        directory: of the run; the latest below `runs` by default.
        out: URL of the PNG to write.
        settings: how they are drawn.
        progress: receives each step.
    """
    from orchestration.report.sheets import draw_samples

    follow, root = progress or Quiet(), directory or latest_run()
    with follow.stage("sample"):
        return draw_samples(root, caption, number, out, settings or SampleSettings(), follow)


def grid(directory: str = "", out: str = "grid.png", number: int = 32) -> str:
    """Read token shards back and decode them next to their originals, as one PNG; its URL."""
    from orchestration.report.sheets import draw_grid

    return draw_grid(directory or latest_run(), number, out)


def export(
    layout: str,
    out: str,
    directory: str = "",
    *,
    image_format: str = "",
    samples_per_shard: int = 10_000,
    progress: Progress | None = None,
) -> "ExportResult":
    """Write the images of a run that survived, with their captions, as img2dataset would.

    What an earlier call for the same export has finished stays, so an interrupted one goes on.

    Args:
        layout: `files`, `webdataset` or `parquet`, or `img2dataset` for tables of links that
            img2dataset downloads.
        out: folder or URL to write to: empty, or of the same export.
        directory: of the run; the latest below `runs` by default.
        image_format: `png`, `jpg` or `webp`; images stay as they are stored by default.
        samples_per_shard: of the export; the last shard may have fewer.
        progress: receives each shard of the run.

    Raises:
        UsageError: an argument is wrong, or the folder holds something else.
        DalleError: a stage is not finished, or no image survived.
    """
    from orchestration.export.run import Form, export_run

    follow, root = progress or Quiet(), directory or latest_run()
    with follow.stage("export"):
        return export_run(root, out, Form(layout, image_format, samples_per_shard), follow)
