"""Maps exceptions to messages and exit codes."""

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from dalle_model.errors import DalleError, UsageError
from orchestration.cli import signals
from orchestration.cli.disks import describe_disk, describe_written
from orchestration.cli.extras import describe_missing
from orchestration.cli.hints import complete
from orchestration.cli.remote import last_error, without_step
from orchestration.cli.stores import describe_store

MAX_LINES, MAX_CHARS = 20, 2000  # of a message; chosen: a screen


def exit_code(error: BaseException, arguments: Sequence[str], *, is_debug: bool = False) -> int:
    """Print what went wrong on standard error, and return the exit code."""
    from typer.exceptions import Abort, Exit, TyperException

    if signals.exit_code() or _has(error, KeyboardInterrupt, Abort):
        signals.say_stopped()
        return signals.exit_code() or signals.INTERRUPTED
    if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
        error = error.__context__  # typer takes it for that of an output pipe, and says nothing
    if _has(error, BrokenPipeError) and signals.is_pipe_closed():
        return signals.PIPE_CLOSED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, Exit):
        return error.exit_code
    if isinstance(error, TyperException):
        _say(f"{error.format_message()}\nTry `dalle {_command(error, arguments)}--help`.")
        return getattr(error, "exit_code", 2)
    if is_debug:
        traceback.print_exception(error)
    else:
        _report(error, arguments)
    return 2 if _is_usage(error) else 1


def _report(error: BaseException, arguments: Sequence[str]) -> None:
    _say(complete(describe(error), arguments))
    if not _is_explained(error):
        _say(f"full traceback: {_log(error)}, or give the command again with --debug")


def describe(error: BaseException) -> str:
    """One clear message: our own errors as they are, others with their class and path."""
    chain = _chain(error)
    store = describe_store(chain)
    for cause in chain:
        if isinstance(cause, DalleError):
            message = without_step(str(cause))
            return f"{message}\n{store}" if store and store not in message else message
        if isinstance(cause, ModuleNotFoundError) and (missing := describe_missing(str(cause))):
            return missing
        if isinstance(cause, OSError) and (said := describe_disk(cause)) and not store:
            return said
    remote = last_error(str(error))
    if store or remote is None:
        return store or f"{type(error).__name__}: {error}"
    sent = remote.message
    return describe_missing(sent) or describe_written(sent) or sent


def bounded(text: str) -> str:
    """A text cut to a screen, with a line that says how much was left out."""
    kept = "\n".join(text[:MAX_CHARS].splitlines()[:MAX_LINES])
    left = len(text) - len(kept)
    return f"{kept}\n... {left:,} more characters; --debug shows them" if left > 1 else text


def _is_usage(error: BaseException) -> bool:
    """Whether the arguments or the config are wrong, and not the store that they name."""
    chain = _chain(error)
    for cause in chain:
        if isinstance(cause, DalleError):
            return isinstance(cause, UsageError) and not describe_store(chain)
    remote = last_error(str(error))
    return remote is not None and remote.kind is not None and issubclass(remote.kind, UsageError)


def _is_explained(error: BaseException) -> bool:
    """Whether no traceback is needed: our own error, or a library, store or disk is at fault."""
    chain = _chain(error)
    if any(isinstance(cause, DalleError) for cause in chain) or describe_store(chain):
        return True
    if any(isinstance(c, ModuleNotFoundError) and describe_missing(str(c)) for c in chain):
        return True
    if any(isinstance(cause, OSError) and describe_disk(cause) for cause in chain):
        return True
    remote = last_error(str(error))
    if remote is None:
        return False
    is_ours = remote.kind is not None and issubclass(remote.kind, DalleError)
    return is_ours or bool(describe_written(remote.message))


def _has(error: BaseException, *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in _chain(error))


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
        "w",
        prefix="dalle-error-",
        suffix=".log",
        delete=False,
        encoding="utf-8",
        errors="backslashreplace",  # names of files need not be UTF-8
    ) as stream:
        stream.write("".join(traceback.format_exception(error)))
    return Path(stream.name)


def _command(error: BaseException, arguments: Sequence[str]) -> str:
    """The command whose help is of use; nothing where there is no such command."""
    context = getattr(error, "ctx", None)
    if not arguments or arguments[0].startswith("-") or (context and context.parent is None):
        return ""
    return f"{arguments[0]} "


def _say(text: str) -> None:
    sys.stderr.write(f"dalle: {bounded(text)}\n")
