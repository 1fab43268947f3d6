"""The command line: a thin shell over `orchestration.api`, one command a function.

Heavy imports happen inside the commands: `dalle --help` loads none of them.
"""

import logging
import os
import shutil
import sys
from typing import Annotated

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

BEAM_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
INTERRUPTED = 130

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
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    names, options = split_arguments(stages or [])
    result = api.run(
        config,
        directory,
        names,
        workers=workers,
        beam_options=options,
        progress=TerminalProgress(),
    )
    typer.echo(f"report   {result.report}")


@app.command(context_settings=BEAM_OPTIONS)
def demo(
    beam_options: Annotated[
        list[str] | None, typer.Argument(help="Any Beam options.", metavar="[BEAM OPTIONS]")
    ] = None,
    directory: DirOption = "runs/demo",
    workers: WorkersOption = 1,
) -> None:
    """Run the whole job on the small real web that comes with the repository."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress
    from orchestration.engine.config import ConfigError
    from orchestration.report.sheets import first_caption, samples_sheet

    names, options = split_arguments(beam_options or [])
    if names:
        raise ConfigError(f"`dalle demo` runs all stages; `{names[0]}` is not an option")
    result = api.demo(directory, workers=workers, beam_options=options, progress=TerminalProgress())
    typer.echo(f"report   {result.report}")
    typer.echo(f"images   {samples_sheet(directory)}")
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
        str, typer.Option("--recipe", help="For a text: a recipe instead of the run's own.")
    ] = "",
) -> None:
    """Trace a row through the stages: rules, measured values, thresholds, recipe lines."""
    from orchestration import api

    typer.echo(str(api.explain(query, directory, recipe)))


@app.command(context_settings=BEAM_OPTIONS)
def recipes(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Recipes to compare (all bundled ones), then any Beam options."),
    ] = None,
    config: ConfigOption = "dalle.yaml",
    directory: DirOption = "",
    workers: WorkersOption = 1,
) -> None:
    """Compare several recipes on the captions of one crawl; the report shows them rule by rule."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    chosen, options = split_arguments(names or [])
    result = api.recipes(
        config,
        chosen,
        directory,
        workers=workers,
        beam_options=options,
        progress=TerminalProgress(),
    )
    for url in result.directories:
        typer.echo(f"run      {url}")
    typer.echo(f"report   {result.report}")


@app.command()
def report(directory: DirOption = "runs/demo") -> None:
    """Build the HTML report again, from the run directory alone."""
    from orchestration import api

    typer.echo(f"report   {api.report(directory)}")


@app.command()
def verify(directory: DirOption = "runs/demo") -> None:
    """Check every file of a run against its manifest; print one SHA-256 for the whole run."""
    from orchestration import api

    found = api.verify(directory)
    for stage, count in found.num_files.items():
        typer.echo(f"{stage:<10} {count:>5} files  ok")
    typer.echo(f"sha256     {found.sha256}")


@app.command()
def sample(
    caption: Annotated[str, typer.Argument(help="What the images should show.")],
    number: Annotated[int, typer.Option("-n", min=1, max=512, help="Number of images.")] = 8,
    directory: DirOption = "runs/demo",
    out: OutOption = "samples.png",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    temperature: Annotated[float, typer.Option("--temperature", min=1e-3, max=10)] = 1.0,
    top_k: Annotated[int, typer.Option("--top-k", min=0, help="0 keeps all codes.")] = 0,
) -> None:
    """Draw images for a caption with the prior of a run."""
    from dalle_model.settings import SampleSettings
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    settings = SampleSettings(temperature=temperature, top_k=top_k or None, seed=seed)
    url = api.sample(
        caption, number, directory, out, settings=settings, progress=TerminalProgress()
    )
    typer.echo(f"images   {url}")


@app.command()
def grid(
    directory: DirOption = "runs/demo",
    out: OutOption = "grid.png",
    number: Annotated[int, typer.Option("-n", min=1, max=1024, help="Number of rows.")] = 32,
) -> None:
    """Read token shards back and decode them: originals next to what the tokens hold."""
    from orchestration import api

    typer.echo(f"images   {api.grid(directory, out, number)}")


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="bpe, dvae or prior.")],
    config: ConfigOption = "dalle.yaml",
    directory: DirOption = "",
) -> None:
    """Train one model of a run: the text tokenizer, a dVAE, or the prior."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    result = api.train(model, config, directory, progress=TerminalProgress())
    typer.echo(f"report   {result.report}")


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
            raise KeyboardInterrupt  # typer reports it by a return value
    except BaseException as error:
        if is_debug and isinstance(error, Exception):
            raise
        from orchestration.cli.failures import exit_code

        sys.exit(exit_code(error, arguments))


def _set_up_logging(is_debug: bool) -> None:
    """Our own warnings, such as a damaged input file; Beam's log only with `--debug`.

    Beam logs a traceback for an error that it also raises: it would appear twice.
    """
    logging.basicConfig(
        level=logging.INFO if is_debug else logging.CRITICAL, format="%(name)s: %(message)s"
    )
    for package in ("pipelines", "dalle_model", "orchestration"):
        logging.getLogger(package).setLevel(logging.INFO if is_debug else logging.WARNING)
