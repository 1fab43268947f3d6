"""A YAML file of settings, on a disk or in a store; what is wrong is said with file and line."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from dalle_model import files
from pipelines.io.strict_yaml import StrictYamlError, compose, construct, line_of
from pipelines.io.suggest import did_you_mean

MAX_BYTES = 256 * 1024  # chosen: the longest file of settings that ships is a hundredth of it


class SettingsFileError(ValueError):
    """A file of settings cannot be read; the message names it, and the line where there is one."""


@dataclass(frozen=True)
class SettingsFile:
    """What a file of settings holds.

    Args:
        url: path or URL, as it was given.
        root: its mapping, with the lines of its keys.
        values: by name.
    """

    url: str
    root: yaml.MappingNode
    values: dict[str, Any]

    @property
    def folder(self) -> str:
        """What relative paths in it count from: the file's own folder."""
        if files.is_local(self.url):
            return str(Path(files.local_path(self.url)).resolve().parent)
        return posixpath.dirname(self.url)

    def where(self, setting: list[str]) -> str:
        """File and line of a setting, to begin a message with."""
        return f"{self.url}:{line_of(self.root, setting)}: "


def read_settings(url: str, what: str, option: str, expected: str) -> SettingsFile:
    """Read a file of settings.

    Args:
        url: path, or URL of a store.
        what: the file is, such as `config`, for errors.
        option: that names it on the command line.
        expected: what the file should hold, for the error if it is not a mapping.

    Raises:
        SettingsFileError: no such file, too large, or not a plain YAML mapping.
        ImportError: the library of the store is not installed.
    """
    content = _read(url, what, option)
    try:
        root = compose(content, expected)
        return SettingsFile(url, root, construct(root))
    except StrictYamlError as error:
        raise SettingsFileError(f"{url}:{error.line}: {error.problem}") from error


def _read(url: str, what: str, option: str) -> bytes:
    try:
        if files.is_local(url):  # a shell's `<(command)` is a pipe, which may be read as well
            content = Path(files.local_path(url)).read_bytes()
        else:
            content = files.read_bytes(url)
    except OSError as error:
        reason = error.strerror or str(error)[:300] or type(error).__name__
        raise SettingsFileError(
            f"{url}: cannot read the {what}: {reason}; name one with {option} FILE"
        ) from error
    if len(content) > MAX_BYTES:
        raise SettingsFileError(f"{url}: {len(content)} bytes; a {what} has at most {MAX_BYTES}")
    return content


def explain(
    error: ValidationError, model: type[BaseModel], where: Callable[[list[str]], str]
) -> str:
    """What is wrong with some settings: a line for each, with the known name for a misspelt one.

    Args:
        error: of the class of the settings.
        model: that class.
        where: a setting -> its file and line.
    """
    lines = []
    for problem in error.errors():
        setting = [str(part) for part in problem["loc"]]
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            message = f"unknown setting{_known_settings(model, setting)}"
        elif problem["type"] == "missing":
            message = "is required"
        name = ".".join(setting)
        lines.append(f"{where(setting)}{name}: {message}" if name else f"{where(setting)}{message}")
    return "\n".join(lines)


def _known_settings(model: Any, setting: list[str]) -> str:
    for part in setting[:-1]:
        if part.isdigit():
            continue  # an index into a list, whose items all have one class
        fields = getattr(model, "model_fields", {})
        model = _model_of(fields[part].annotation) if part in fields else None
    known = list(getattr(model, "model_fields", None) or getattr(model, "__annotations__", {}))
    close = did_you_mean(setting[-1], known)
    return f"; did you mean `{close}`?" if close else f"; known are {', '.join(sorted(known))}"


def _model_of(annotation: Any) -> Any:
    """The settings class of a field that may be optional."""
    options = getattr(annotation, "__args__", (annotation,))
    return next((option for option in options if hasattr(option, "__annotations__")), None)
