"""The commands `dalle evaluate …`: how good images are, by numbers and by people."""

from collections.abc import Callable

import typer

from orchestration.cli.app import app
from orchestration.cli.options import EPILOG, HELP_OPTIONS

group = typer.Typer(
    name="evaluate",
    context_settings=HELP_OPTIONS,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Judge samples and reconstructions, by numbers and by people.",
    epilog=EPILOG,
)
app.add_typer(group)


def evaluate_command(
    name: str | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command of the group."""
    return group.command(name, context_settings=HELP_OPTIONS, epilog=EPILOG)


@group.callback()
def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
