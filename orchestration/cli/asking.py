"""What a command finds out before it begins: which run is meant, and whether it may be replaced."""

import sys
from collections.abc import Callable
from typing import TypeVar

import typer

Result = TypeVar("Result")


def found_directory(directory: str) -> str:
    """The directory that was given, else that of the latest run, which is said."""
    if directory:
        return directory
    from orchestration.engine.latest import latest_run

    found = latest_run()
    typer.echo(f"dir      {found} (the latest run)", err=True)
    return found


def ask_to_replace(act: Callable[[bool], Result], *, replaces: bool) -> Result:
    """Do something that may replace another run: where it does, a person at a terminal is asked.

    Args:
        act: does it, given whether it may replace.
        replaces: whether it was allowed beforehand.

    Raises:
        ReplacingError: nobody can be asked.
        typer.Exit: the answer was no.
    """
    from orchestration.engine.another import ReplacingError

    try:
        return act(replaces)
    except ReplacingError as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        typer.echo(f"dalle: {error}", err=True)
        if not typer.confirm("Replace it now?", err=True):
            raise typer.Exit(2) from error
    return act(True)
