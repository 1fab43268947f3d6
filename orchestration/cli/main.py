"""The command line. Heavy imports happen inside the commands: `dalle --help` loads none of them."""

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="dalle",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From the raw web to a trained DALL-E: image-caption pairs, token shards, prior, samples.",
    epilog="--debug, anywhere on the line, shows the full traceback of an error.",
)
train_app = typer.Typer(no_args_is_help=True, help="Train one model of a run.")
app.add_typer(train_app, name="train")

BEAM_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
INTERRUPTED = 130
DEMO_CONFIG = Path(__file__).resolve().parents[2] / "demo" / "config.yaml"

ConfigOption = Annotated[str, typer.Option("--config", help="YAML file with the settings.")]
DirOption = Annotated[str, typer.Option("--dir", help="Run directory: a folder or a URL.")]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, help="Processes of the local runner; 1 stays in process.")
]
OutOption = Annotated[str, typer.Option("--out", help="PNG file to write.")]


@app.command(context_settings=BEAM_OPTIONS)
def run(
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages to run (all), then any Beam options.")
    ] = None,
    config: ConfigOption = "dalle.yaml",
    directory: DirOption = "",
    workers: WorkersOption = 1,
) -> None:
    """Run what is missing of a run; finished stages are skipped, interrupted ones go on."""
    from orchestration.engine.config_file import load_config

    names, beam_options = split_arguments(stages or [])
    settings = load_config(config)
    _run(settings, directory or f"runs/{settings.name}", names, workers, beam_options)


@app.command(context_settings=BEAM_OPTIONS)
def demo(
    beam_options: Annotated[
        list[str] | None, typer.Argument(help="Any Beam options.", metavar="[BEAM OPTIONS]")
    ] = None,
    directory: DirOption = "runs/demo",
    workers: WorkersOption = 1,
) -> None:
    """Run the whole job on the small real web that ships with the repository."""
    from orchestration.engine.config import ConfigError
    from orchestration.engine.config_file import load_config

    if not DEMO_CONFIG.exists():
        raise ConfigError(
            f"{DEMO_CONFIG} is missing: the demo's web comes with the repository, not with the "
            "installed package; clone the repository and run `make demo` there"
        )
    names, options = split_arguments(beam_options or [])
    if names:
        raise ConfigError(f"`dalle demo` runs all stages; `{names[0]}` is not an option")
    _run(load_config(str(DEMO_CONFIG)), directory, [], workers, options)
    from orchestration.engine.artifacts import SAMPLES_PICTURE
    from orchestration.report.pictures import first_caption

    typer.echo(f"pictures {directory}/{SAMPLES_PICTURE}")
    command = "dalle" if shutil.which("dalle") else sys.argv[0]  # make runs it by its path
    typer.echo(f'next     {command} sample "{first_caption(directory)}" -n 8 --dir {directory}')


@app.command()
def explain(
    query: Annotated[
        str,
        typer.Argument(metavar="KEY|URL|CAPTION", help="A key, its start, a URL, or any text."),
    ],
    directory: DirOption = "runs/demo",
    recipe: Annotated[
        str, typer.Option("--recipe", help="For a text: a recipe in place of the run's own.")
    ] = "",
) -> None:
    """Tell one row's way through the stages: rules, measured values, thresholds, recipe lines."""
    from orchestration.engine.config import ConfigError, NoRunError, load_run_config
    from orchestration.report import explain as told
    from pipelines.captions.config import CaptionsConfig

    if not told.is_caption(query):
        if recipe:
            raise ConfigError("--recipe is for the text of a caption, not for a key or a URL")
        typer.echo(told.explain(directory, query))
        return
    try:
        config = CaptionsConfig(recipe=recipe) if recipe else load_run_config(directory).captions
    except NoRunError as error:
        raise NoRunError(f"{error}; name a recipe with --recipe, or a run with --dir") from error
    typer.echo(told.explain_caption(query, config))


@app.command(context_settings=BEAM_OPTIONS)
def recipes(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Recipes to compare (all that come along), then any Beam options."),
    ] = None,
    config: ConfigOption = "dalle.yaml",
    directory: DirOption = "",
    workers: WorkersOption = 1,
) -> None:
    """Judge one crawl's captions by several recipes; the report shows them rule by rule."""
    from orchestration.beam.runners import check_options
    from orchestration.cli.progress import Progress
    from orchestration.engine.comparison import compare
    from orchestration.engine.config_file import load_config
    from orchestration.engine.plan import Run
    from orchestration.report.page import write_report
    from pipelines.captions.recipe import known_recipes

    chosen, beam_options = split_arguments(names or [])
    check_options(beam_options)
    settings = load_config(config)
    root = directory or f"runs/{settings.name}"
    work = Run(settings, root, workers, tuple(beam_options))
    for place in compare(work, chosen or known_recipes(), Progress()):
        typer.echo(f"run      {place}")
    typer.echo(f"report   {write_report(root)}")


@app.command()
def report(directory: DirOption = "runs/demo") -> None:
    """Build the HTML report again, from the run directory alone."""
    from orchestration.report.page import write_report

    typer.echo(f"report   {write_report(directory)}")


@app.command()
def verify(directory: DirOption = "runs/demo") -> None:
    """Check every file of a run against its manifest; print one SHA-256 for the whole run."""
    from orchestration.engine.verify import verify_run

    for line in verify_run(directory):
        typer.echo(line)


@app.command()
def sample(
    caption: Annotated[str, typer.Argument(help="What the pictures should show.")],
    number: Annotated[int, typer.Option("-n", min=1, max=512, help="Number of pictures.")] = 8,
    directory: DirOption = "runs/demo",
    out: OutOption = "samples.png",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    temperature: Annotated[float, typer.Option("--temperature", min=1e-3, max=10)] = 1.0,
    top_k: Annotated[int, typer.Option("--top-k", min=0, help="0 keeps all codes.")] = 0,
) -> None:
    """Draw pictures for a caption with the prior of a run."""
    from dalle_model.settings import SampleSettings
    from orchestration.cli.progress import Progress
    from orchestration.report.pictures import draw_samples

    settings = SampleSettings(temperature=temperature, top_k=top_k or None, seed=seed)
    progress = Progress()
    with progress.stage("sample"):
        where = draw_samples(directory, caption, number, out, settings, progress.step)
    typer.echo(f"pictures {where}")


@app.command()
def grid(
    directory: DirOption = "runs/demo",
    out: OutOption = "grid.png",
    number: Annotated[int, typer.Option("-n", min=1, max=1024, help="Number of rows.")] = 32,
) -> None:
    """Read token shards back and decode them: originals beside what the tokens hold."""
    from orchestration.report.pictures import draw_grid

    typer.echo(f"pictures {draw_grid(directory, number, out)}")


@train_app.command("bpe")
def train_bpe(config: ConfigOption = "dalle.yaml", directory: DirOption = "") -> None:
    """Train the text tokenizer on the captions of a run's token shards."""
    _train("bpe", config, directory)


@train_app.command("dvae")
def train_dvae(config: ConfigOption = "dalle.yaml", directory: DirOption = "") -> None:
    """Train a dVAE on the pictures that a run has kept."""
    _train("dvae", config, directory)


@train_app.command("prior")
def train_prior(config: ConfigOption = "dalle.yaml", directory: DirOption = "") -> None:
    """Train the prior on a run's token shards."""
    _train("prior", config, directory)


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part stage names from Beam options; a bare word after `--option` is that option's value.

    Returns:
        The names, and the options as Beam reads them.
    """
    names: list[str] = []
    options: list[str] = []
    takes_value = False
    for argument in arguments:
        if argument.startswith("-"):
            options.append(argument)
            takes_value = "=" not in argument
        elif takes_value:
            options.append(argument)
            takes_value = False
        else:
            names.append(argument)
    return names, options


def main() -> None:
    """Run the command line: exit 0 ok, 1 failed, 2 usage, 130 interrupted."""
    os.environ.setdefault("PYTHONWARNINGS", "ignore")  # of the workers' processes too
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    is_debug = len(arguments) < len(sys.argv) - 1
    _set_up_logging(is_debug)
    try:
        if app(arguments, standalone_mode=False) == INTERRUPTED:
            raise KeyboardInterrupt  # typer tells of it by a return value
    except BaseException as error:
        if is_debug and isinstance(error, Exception):
            raise
        from orchestration.cli.failures import exit_code

        sys.exit(exit_code(error, arguments))


def _set_up_logging(is_debug: bool) -> None:
    """Our own warnings, such as a damaged input file; Beam's log only with `--debug`.

    Beam logs a traceback for an error that it raises as well: it would be told twice.
    """
    logging.basicConfig(
        level=logging.INFO if is_debug else logging.CRITICAL, format="%(name)s: %(message)s"
    )
    for package in ("pipelines", "dalle_model", "orchestration"):
        logging.getLogger(package).setLevel(logging.INFO if is_debug else logging.WARNING)


def _train(stage: str, config: str, directory: str) -> None:
    from orchestration.engine.config_file import load_config
    from orchestration.engine.graph import with_section

    settings = load_config(config)
    names = ["bpe", "prior"] if stage == "prior" else [stage]
    completed = with_section(settings, stage)
    _run(settings, directory or f"runs/{settings.name}", names, 1, [], completed)


def _run(
    settings: Any,
    directory: str,
    names: list[str],
    workers: int,
    beam_options: list[str],
    completed: Any = None,
) -> None:
    """Run stages of `completed`: the file's settings with sections that a command adds."""
    from orchestration.beam.runners import check_options
    from orchestration.cli.progress import Progress
    from orchestration.engine.plan import Run
    from orchestration.engine.run import run_stages
    from orchestration.report.page import write_report

    check_options(beam_options)
    progress = Progress()
    work = Run(completed or settings, directory, workers, tuple(beam_options), settings)
    run_stages(work, names, progress)
    typer.echo(f"report   {write_report(directory)}")
