"""The commands `dalle shards …`, about finished token shards wherever they are from."""

from collections.abc import Callable
from typing import Annotated

import typer

from orchestration.cli.app import app
from orchestration.cli.options import EPILOG, HELP_OPTIONS

group = typer.Typer(
    name="shards",
    context_settings=HELP_OPTIONS,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look into finished token shards, check them, and make other sets of them.",
    epilog=EPILOG,
)
app.add_typer(group)


def _command(name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return group.command(name, context_settings=HELP_OPTIONS, epilog=EPILOG)


@_command()
def join(
    sources: Annotated[list[str], typer.Argument(help="Folders of token shards, two or more.")],
    out: Annotated[str, typer.Argument(help="Folder or URL to write to.")],
    names: Annotated[
        list[str] | None,
        typer.Option("--as", help="Name for the tokens of a set behind the first, in their order."),
    ] = None,
    inner: Annotated[
        bool, typer.Option("--inner", help="Leave out rows that a set lacks.")
    ] = False,
) -> None:
    """Put token sets of the same images side by side, a column of tokens for each codec."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.shards.join(
        sources, out, names=names or [], inner=inner, progress=TerminalProgress()
    )
    typer.echo(str(found))
