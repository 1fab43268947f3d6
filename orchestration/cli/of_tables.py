"""The command about tables of metadata that are in no run: keep lists of published filters."""

from typing import Annotated

import typer

from dalle_model.errors import UsageError
from orchestration.cli.app import command


@command()
def keep(
    tables: Annotated[
        list[str], typer.Argument(metavar="TABLE...", help="Parquet tables with `uid`, or folders.")
    ],
    out: Annotated[str, typer.Option("--out", help="NumPy file to write.")],
    recipe: Annotated[
        str, typer.Option("--recipe", help="A published filter, such as datacomp_basic.")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of the recipe; repeatable."),
    ] = None,
) -> None:
    """Write the ids of the rows that a published filter keeps of tables of metadata."""
    from orchestration import api

    given = dict(_setting(text) for text in settings or [])
    typer.echo(str(api.keep(tables, out, recipe=recipe, settings=given)))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text}: give a setting and its value, such as fraction=0.3")
    return name.strip(), value.strip()
