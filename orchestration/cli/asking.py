"""What a command finds out before it begins: which run is meant, and whether it may be replaced."""

import sys
from collections.abc import Callable
from typing import TypeVar

import typer

from dalle_model.errors import UsageError

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

    return _ask(act, ReplacingError, "Replace it now?", is_allowed=replaces)


def ask_to_free(act: Callable[[bool], Result], *, takes_from_web: bool) -> Result:
    """The same of something that may free rows which only the web can bring back.

    Args:
        act: does it, given whether it may free them.
        takes_from_web: whether it was allowed beforehand.

    Raises:
        FreeingError: nobody can be asked.
        typer.Exit: the answer was no.
    """
    from orchestration.engine.cleaning import FreeingError

    return _ask(act, FreeingError, "Free them now?", is_allowed=takes_from_web)


def _ask(
    act: Callable[[bool], Result], unasked: type[UsageError], question: str, *, is_allowed: bool
) -> Result:
    try:
        return act(is_allowed)
    except unasked as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        typer.echo(f"dalle: {error}", err=True)
        if not typer.confirm(question, err=True):
            raise typer.Exit(2) from error
    return act(True)
