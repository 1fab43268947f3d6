"""What a terminal cannot show, and what a shell passes on that is no text."""

import io
import os
import sys
from collections.abc import Sequence


def replace_what_the_terminal_lacks() -> None:
    r"""Print characters outside the terminal's encoding as escapes, such as `\u0645`.

    Captions hold any script, and no command ends because a terminal is set to one. Python itself
    does so on standard error.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # not where it is closed
        sys.stdout.reconfigure(errors="backslashreplace")


def read_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments as text: bytes that the locale could not read are read as UTF-8.

    Raises:
        ConfigError: one is not UTF-8, so that no file of a run could hold it.
    """
    return [_read(number, argument) for number, argument in enumerate(arguments, 1)]


def _read(number: int, argument: str) -> str:
    if not any("\ud800" <= character <= "\udfff" for character in argument):
        return argument
    encoded = os.fsencode(argument)
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        from orchestration.engine.config import ConfigError  # heavy, and seldom needed

        raise ConfigError(
            f"argument {number} is not UTF-8: {error.reason} at byte {error.start + 1} of "
            f"{str(encoded)[1:]}; give texts, keys and paths in UTF-8"
        ) from None
