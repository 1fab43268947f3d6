"""The command line as typer has it: the group, its help, and how a module adds a command."""

from collections.abc import Callable
from typing import Annotated

import typer
from typer.core import TyperCommand

from orchestration.cli.options import BEAM_OPTIONS, EPILOG, HELP_OPTIONS

app = typer.Typer(
    name="dalle",
    invoke_without_command=True,
    context_settings=HELP_OPTIONS,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From the raw web to a trained DALL-E: image-caption pairs, token shards, prior, samples.",
    epilog=EPILOG,
)


def command(
    name: str | None = None, *, passes_on: bool = False, cls: type[TyperCommand] = TyperCommand
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command, which may pass on to Beam what it does not know."""
    settings = HELP_OPTIONS | (BEAM_OPTIONS if passes_on else {})
    return app.command(name, cls=cls, context_settings=settings, epilog=EPILOG)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"dalle {version('dalle')}")
        raise typer.Exit


@app.callback()
def _without_command(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
