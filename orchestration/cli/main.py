"""The command line: a thin shell over `orchestration.api`, one command a function.

Heavy imports happen inside the commands: `dalle --help` loads none of them.
"""

import logging
import os
import shlex
import shutil
import sys
from contextlib import suppress
from typing import Annotated

import typer

from orchestration.cli import of_configs as of_configs  # adds its commands
from orchestration.cli import of_drawing as of_drawing  # likewise
from orchestration.cli import of_evaluating as of_evaluating  # likewise
from orchestration.cli import of_guiding as of_guiding  # likewise
from orchestration.cli import of_human as of_human  # likewise
from orchestration.cli import of_mini as of_mini  # likewise
from orchestration.cli import of_plans as of_plans  # likewise
from orchestration.cli import of_runs as of_runs  # likewise
from orchestration.cli import of_scoring as of_scoring  # likewise
from orchestration.cli import of_shards as of_shards  # likewise
from orchestration.cli import of_tables as of_tables  # likewise
from orchestration.cli import signals
from orchestration.cli.app import app as app
from orchestration.cli.app import command as _command
from orchestration.cli.asking import ask_to_replace, found_directory
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DemoDirOption,
    DirOption,
    FoundDirOption,
    OutOption,
    ProfileOption,
    RetryOption,
    WorkersOption,
    YesOption,
    split_arguments,
    split_reasons,
)
from orchestration.cli.stages_help import StagesCommand
from orchestration.cli.terminal import read_arguments, replace_what_the_terminal_lacks


@_command(passes_on=True, cls=StagesCommand)
def run(  # noqa: PLR0913 - one for each option
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages to run (all), then any Beam options.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    directory: DirOption = "",
    workers: WorkersOption = None,
    profile: ProfileOption = "",
    shows_plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be done with each stage; do nothing.")
    ] = False,
    retry: RetryOption = None,
    replaces: YesOption = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start the job on a runner elsewhere, and leave it.")
    ] = False,
) -> None:
    """Run what is missing of a run; finished stages are skipped, interrupted ones go on."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    names, options = split_arguments(stages or [])
    reasons = split_reasons(retry, shows_plan=shows_plan)
    if shows_plan:
        from orchestration.beam.options import check_options
        from orchestration.beam.profile_arguments import with_profile

        check_options(with_profile(profile, options)[0])
        typer.echo(str(api.plan(config, directory, names)))
        return
    result = ask_to_replace(
        lambda may_replace: api.run(
            config,
            directory,
            names,
            workers=workers,
            profile=profile,
            beam_options=options,
            progress=TerminalProgress(),
            replaces=may_replace,
            retry=reasons,
            detach=detach,
        ),
        replaces=replaces,
    )
    if detach:
        typer.echo(f"next     dalle status --dir {shlex.quote(result.directory)}")
    elif result.manifests:
        typer.echo(f"report   {result.report}")


@_command(passes_on=True)
def demo(
    beam_options: Annotated[
        list[str] | None, typer.Argument(help="Any Beam options.", metavar="[BEAM OPTIONS]")
    ] = None,
    directory: DemoDirOption = "runs/demo",
    workers: WorkersOption = None,
    profile: ProfileOption = "",
    replaces: YesOption = False,
) -> None:
    """Run the whole job on the small real web that comes with the repository."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress
    from orchestration.engine.config import ConfigError

    names, options = split_arguments(beam_options or [])
    if names:
        raise ConfigError(f"`dalle demo` runs all stages; `{names[0][:80]}` is not an option")
    result = ask_to_replace(
        lambda may_replace: api.demo(
            directory,
            workers=workers,
            profile=profile,
            beam_options=options,
            progress=TerminalProgress(),
            replaces=may_replace,
        ),
        replaces=replaces,
    )
    from orchestration.report.sheets import first_caption, samples_sheet  # load the extra `model`

    typer.echo(f"report   {result.report}")
    typer.echo(f"images   {samples_sheet(directory)}")
    command = "dalle" if shutil.which("dalle") else sys.argv[0]  # make runs it by its path
    caption, root = shlex.quote(first_caption(directory)), shlex.quote(directory)
    typer.echo(f"next     {command} sample {caption} -n 8 --dir {root}")


@_command()
def explain(
    query: Annotated[
        str,
        typer.Argument(
            metavar="KEY|URL|NAME|CAPTION", help="A key, a URL, or its start; a file; or any text."
        ),
    ],
    directory: FoundDirOption = "",
    recipe: Annotated[
        str, typer.Option("--recipe", help="For a text: a recipe instead of the run's own.")
    ] = "",
) -> None:
    """Trace a row through the stages: rules, measured values, thresholds, recipe lines."""
    from orchestration import api
    from orchestration.engine.config import NoRunError

    if not recipe:
        with suppress(NoRunError):  # the function says what to do, which depends on the query
            directory = found_directory(directory)
    typer.echo(str(api.explain(query, directory, recipe)))


@_command(passes_on=True)
def recipes(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Recipes to compare (all bundled ones), then any Beam options."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    directory: DirOption = "",
    workers: WorkersOption = None,
    profile: ProfileOption = "",
    replaces: YesOption = False,
) -> None:
    """Compare several recipes on the captions of one crawl; the report shows them rule by rule."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    chosen, options = split_arguments(names or [])
    result = ask_to_replace(
        lambda may_replace: api.recipes(
            config,
            chosen,
            directory,
            workers=workers,
            profile=profile,
            beam_options=options,
            progress=TerminalProgress(),
            replaces=may_replace,
        ),
        replaces=replaces,
    )
    for url in result.directories:
        typer.echo(f"run      {url}")
    typer.echo(f"report   {result.report}")


@_command()
def grid(
    directory: FoundDirOption = "",
    out: OutOption = "grid.png",
    number: Annotated[int, typer.Option("-n", min=1, max=1024, help="Number of rows.")] = 32,
) -> None:
    """Read token shards back and decode them: originals next to what the tokens hold."""
    from orchestration import api

    typer.echo(f"images   {api.grid(found_directory(directory), out, number)}")


@_command()
def export(
    layout: Annotated[
        str, typer.Argument(help="files, webdataset, parquet, or img2dataset: a table of links.")
    ],
    out: Annotated[str, typer.Option("--out", help="Folder or URL to write to.")],
    directory: FoundDirOption = "",
    image_format: Annotated[
        str, typer.Option("--format", help="png, jpg or webp; as stored by default.")
    ] = "",
    samples_per_shard: Annotated[
        int, typer.Option("--samples-per-shard", min=1, help="Of the export.")
    ] = 10_000,
) -> None:
    """Write the images that survived, with their captions, in a layout of img2dataset."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    done = api.export(
        layout,
        out,
        found_directory(directory),
        image_format=image_format,
        samples_per_shard=samples_per_shard,
        progress=TerminalProgress(),
    )
    typer.echo(f"export   {done.out} ({done.num_samples:,} samples, {done.num_shards:,} shards)")
    if done.left_out:
        typer.echo(f"left out {done.left_out:,} rows whose image has no address on the web")


@_command()
def convert(
    sources: Annotated[list[str], typer.Argument(help="The files of the release.")],
    out: Annotated[str, typer.Argument(help="The checkpoint to write: x.safetensors.")],
    size: Annotated[
        str, typer.Option("--size", help="Of the images: an edge in pixels, or HEIGHTxWIDTH.")
    ] = "",
) -> None:
    """Make a codec or a DALL·E mini of released weights, without running what is in their files."""
    from dalle_model.tokenizers.codec import CodecFacts
    from orchestration import api

    made = api.convert(sources, out, size=size)
    if not isinstance(made, CodecFacts):
        typer.echo(str(made))
        return
    height, width = made.image_shape
    typer.echo(
        f"codec    {out} ({height} x {width} px, {made.num_tokens:,} of {made.num_codes:,} codes)"
    )


@_command()
def train(
    model: Annotated[str, typer.Argument(help="bpe, dvae, vq, clip, prior or mini.")],
    config: ConfigOption = DEFAULT_CONFIG,
    directory: DirOption = "",
    replaces: YesOption = False,
) -> None:
    """Train one model of a run: the text tokenizer, a codec, a scorer, or the prior."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    result = ask_to_replace(
        lambda may_replace: api.train(
            model, config, directory, progress=TerminalProgress(), replaces=may_replace
        ),
        replaces=replaces,
    )
    typer.echo(f"report   {result.report}")


def main() -> None:
    """Run the command line, and end the process; `docs/commands.md` lists the exit codes."""
    signals.watch()
    code = 1  # where not even the error can be reported
    try:
        replace_what_the_terminal_lacks()
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # of the workers' processes too
        arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
        is_debug = len(arguments) < len(sys.argv) - 1
        _set_up_logging(is_debug)
        code = run_line(arguments, is_debug=is_debug)
    finally:
        signals.leave(code)


def run_line(arguments: list[str], *, is_debug: bool = False) -> int:
    """Run one command and say what went wrong; its exit code."""
    try:
        result = app(read_arguments(arguments), standalone_mode=False)
        if result == signals.INTERRUPTED or signals.exit_code():
            raise KeyboardInterrupt  # typer reports it by a return value
    except BaseException as error:  # noqa: BLE001 - each becomes an exit code
        from orchestration.cli.failures import exit_code

        return exit_code(error, arguments, is_debug=is_debug)
    return result if isinstance(result, int) else 0  # typer returns the code of an Exit


def _set_up_logging(is_debug: bool) -> None:
    """Our own warnings, such as a damaged input file; Beam's log only with `--debug`.

    Beam logs a traceback for an error that it also raises: it would appear twice.
    """
    logging.basicConfig(
        level=logging.INFO if is_debug else logging.CRITICAL, format="%(name)s: %(message)s"
    )
    for package in ("pipelines", "dalle_model", "orchestration"):
        logging.getLogger(package).setLevel(logging.INFO if is_debug else logging.WARNING)
