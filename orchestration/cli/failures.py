"""Maps exceptions to messages and exit codes."""

import errno
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from dalle_model.errors import DalleError
from orchestration.cli.extras import describe_missing

# The last line of a traceback that a worker process sent as text.
_REMOTE = re.compile(
    r"^(?:[\w.]+\.)?(?P<kind>\w*(?:Error|Exception|Interrupt))(?:: (?P<text>.*))?$"
)
_WHILE_RUNNING = re.compile(r" \[while running '.*")


def exit_code(error: BaseException, arguments: Sequence[str]) -> int:
    """Print what went wrong on standard error, and return the exit code."""
    from typer.exceptions import Abort, Exit, TyperException

    from orchestration.engine.config import ConfigError

    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, Exit):
        return error.exit_code
    if any(isinstance(cause, KeyboardInterrupt | Abort) for cause in _chain(error)):
        _say("stopped; finished shards are kept, and the same command goes on from there")
        return 130
    if isinstance(error, TyperException):
        _say(f"{error.format_message()}\nTry `dalle {_command(arguments)}--help`.")
        return getattr(error, "exit_code", 2)
    _say(describe(error))
    if not (isinstance(error, DalleError) or _is_missing_extra(error)):
        _say(f"full traceback: {_log(error)}, or give the command again with --debug")
    return 2 if isinstance(error, ConfigError) else 1


def describe(error: BaseException) -> str:
    """One clear message: our own errors as they are, others with their class and path."""
    for cause in _chain(error):
        if isinstance(cause, DalleError):
            return _WHILE_RUNNING.sub("", str(cause))
        if isinstance(cause, ModuleNotFoundError) and (missing := describe_missing(str(cause))):
            return missing
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return (
                f"no space left on the device of {cause.filename or 'the run directory'}; "
                "free some and give the same command again: finished shards are kept"
            )
        if isinstance(cause, PermissionError):
            return f"{cause.filename}: permission denied; choose another --dir or grant access"
        if isinstance(cause, FileExistsError | NotADirectoryError):
            return f"{cause.filename}: a file is where a folder is needed; choose another --dir"
        if isinstance(cause, IsADirectoryError):
            where = cause.filename2 or cause.filename
            return f"{where}: a folder is where a file is needed; choose another path"
    return _from_worker(str(error)) or f"{type(error).__name__}: {error}"


def _from_worker(text: str) -> str:
    """The last error of a worker process, from the traceback that Beam passes on as text."""
    lines = [line.strip() for line in text.splitlines()]
    for position in range(len(lines) - 1, -1, -1):
        match = _REMOTE.match(_WHILE_RUNNING.sub("", lines[position]))
        if match:
            parts = [match["text"] or match["kind"], *lines[position + 1 :]]
            message = _WHILE_RUNNING.sub("", "\n".join(part for part in parts if part))
            return describe_missing(message) or message
    return ""


def _is_missing_extra(error: BaseException) -> bool:
    """Whether a library is missing that an extra installs: no traceback is needed to fix that."""
    causes = (cause for cause in _chain(error) if isinstance(cause, ModuleNotFoundError))
    return any(describe_missing(str(cause)) for cause in causes)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def _log(error: BaseException) -> Path:
    """Write the traceback outside the run directory, which holds data alone."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="dalle-error-", suffix=".log", delete=False, encoding="utf-8"
    ) as stream:
        stream.write("".join(traceback.format_exception(error)))
    return Path(stream.name)


def _command(arguments: Sequence[str]) -> str:
    return f"{arguments[0]} " if arguments and not arguments[0].startswith("-") else ""


def _say(text: str) -> None:
    sys.stderr.write(f"dalle: {text}\n")
