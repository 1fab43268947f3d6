"""The config file: YAML into frozen settings, with errors that name file and line."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestration.engine.config import ConfigError, RunConfig, config_class, selection_names
from orchestration.engine.registry import registry
from pipelines.io.strict_yaml import StrictYamlError, compose, construct, line_of
from pipelines.io.suggest import did_you_mean
from pipelines.paths import counted_from

MAX_CONFIG_BYTES = 256 * 1024  # chosen: the shipped recipes are a hundredth of it


def load_config(path: str) -> RunConfig:
    """Read and check a config file.

    Raises:
        ConfigError: no such file, not YAML, an unknown or wrong setting; names file and line.
    """
    content = _read(path)
    try:
        root = compose(content, "a config is a mapping of settings; the README shows one")
        values = construct(root)
    except StrictYamlError as error:
        raise ConfigError(f"{path}:{error.line}: {error.problem}") from error
    folder = str(Path(path).resolve().parent)
    return check_config(values, folder, lambda setting: f"{path}:{line_of(root, setting)}: ")


def check_config(
    values: Mapping[str, Any], folder: str, where: Callable[[list[str]], str] = lambda _: ""
) -> RunConfig:
    """Settings from plain values, as a config file holds them.

    Args:
        values: by name.
        folder: that relative paths count from.
        where: a setting -> its file and line, for errors.

    Raises:
        ConfigError: an unknown or wrong setting.
    """
    try:
        config = config_class().model_validate(_with_selections(values))
    except ValidationError as error:
        raise ConfigError(_explain(error, where)) from error
    return relocated(config, folder)


def relocated(config: RunConfig, folder: str) -> RunConfig:
    """The same config with all relative paths counted from a folder."""
    for stage in registry().values():
        if config.has(stage):
            section = stage.relocate(config.section(stage), folder)
            config = config.with_section(stage, section)
    if config.replay is None:
        return config
    archive = counted_from(folder, config.replay.archive)
    replay = config.replay.model_copy(update={"archive": archive})
    return config.model_copy(update={"replay": replay})


def _with_selections(values: Mapping[str, Any]) -> dict[str, Any]:
    """The order of the filters of images, where only that of their sections states it."""
    filters = selection_names()
    return {"selections": [name for name in values if name in filters]} | dict(values)


def _read(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot read the config: {error.strerror}; name one with --config FILE"
        ) from error
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: {len(content)} bytes; a config has at most {MAX_CONFIG_BYTES}")
    return content


def _explain(error: ValidationError, where_is: Callable[[list[str]], str]) -> str:
    lines = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            message = f"unknown setting{_known_settings(where)}"
        elif problem["type"] == "missing":
            message = "is required"
        lines.append(f"{where_is(where)}{'.'.join(where)}: {message}")
    return "\n".join(lines)


def _known_settings(where: list[str]) -> str:
    model: Any = config_class()
    for part in where[:-1]:
        if part.isdigit():
            continue  # an index into a list, whose items all have one class
        fields = getattr(model, "model_fields", {})
        model = _model_of(fields[part].annotation) if part in fields else None
    known = list(getattr(model, "model_fields", None) or getattr(model, "__annotations__", {}))
    close = did_you_mean(where[-1], known)
    return f"; did you mean `{close}`?" if close else f"; known are {', '.join(sorted(known))}"


def _model_of(annotation: Any) -> Any:
    """The settings class of a field that may be optional."""
    options = getattr(annotation, "__args__", (annotation,))
    return next((option for option in options if hasattr(option, "__annotations__")), None)
