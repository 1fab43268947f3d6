"""Completes the commands that messages name, so that they work as they are pasted.

A message says `dalle verify`, wherever it is made; the command line that it ends knows which
directory and which config were meant.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from dalle_model.errors import DalleError
from dalle_model.files import is_local
from orchestration.cli.options import DEFAULT_CONFIG
from orchestration.engine.latest import default_directory, latest_run
from pipelines.io.layout import RunFolder

WITH_CONFIG = ("run", "train", "recipes")  # commands that take `--config` besides `--dir`
_COMMANDS = "|".join(
    (
        *WITH_CONFIG,
        "explain",
        "export",
        "report",
        "verify",
        "status",
        "cancel",
        "clean",
        "sample",
        "complete",
        "grid",
    )
)
_HINT = re.compile(rf"`dalle (?P<command>{_COMMANDS})(?P<rest>(?: [^`]*)?)`")


def complete(message: str, arguments: Sequence[str]) -> str:
    """The message, with `--config` and `--dir` in each command that it names and needs them.

    Args:
        message: with commands between backticks.
        arguments: of the command line that it ends.
    """
    if not _HINT.search(message):
        return message
    config, directory = _meant(arguments)

    def completed(hint: re.Match[str]) -> str:
        command, rest = hint["command"], hint["rest"]
        if "--help" in rest:
            return hint[0]
        if command in WITH_CONFIG and config != DEFAULT_CONFIG and "--config" not in rest:
            rest += _option("--config", config)
        if "--dir" not in rest:
            rest += _option("--dir", directory)
        return f"`dalle {command}{rest}`"

    return _HINT.sub(completed, message)


def option(arguments: Sequence[str], name: str) -> str:
    """The value of an option on a command line, as `--dir X` or `--dir=X`; empty for none."""
    for position, argument in enumerate(arguments):
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
        if argument == name and position + 1 < len(arguments):
            return arguments[position + 1]
    return ""


def _meant(arguments: Sequence[str]) -> tuple[str, str]:
    """The config and the directory of a command line, as given or by default; empty for none."""
    command = next((a for a in arguments if not a.startswith("-")), "")
    config, directory = option(arguments, "--config"), option(arguments, "--dir")
    try:
        if command in WITH_CONFIG:
            config = config or DEFAULT_CONFIG
            return config, directory or _of_config(config)
        directory = directory or ("runs/demo" if command == "demo" else latest_run())
    except DalleError:
        return config, directory
    kept = RunFolder(directory).config
    return (kept if is_local(kept) and Path(kept).is_file() else ""), directory


def _of_config(path: str) -> str:
    from orchestration.engine.config_file import load_config

    return default_directory(load_config(path).name)


def _option(name: str, value: str) -> str:
    return f" {name} {shlex.quote(value)}" if value else ""
