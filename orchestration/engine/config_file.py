"""The config file: YAML into frozen settings, with errors that name file and line."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from orchestration.engine.config import ConfigError, RunConfig, config_class
from orchestration.engine.registry import registry
from pipelines.paths import counted_from
from pipelines.records import SELECTION

MAX_CONFIG_BYTES = 256 * 1024  # chosen: the shipped recipes are a hundredth of it


def load_config(path: str) -> RunConfig:
    """Read and check a config file.

    Raises:
        ConfigError: no such file, not YAML, an unknown or wrong setting; names file and line.
    """
    text = _read(path)
    try:
        _refuse_aliases(text, path)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_duplicates(root, path)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        raise ConfigError(f"{path}:1: not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1: a config is a mapping of settings; the README shows one")
    folder = str(Path(path).resolve().parent)
    return check_config(values, folder, lambda setting: f"{path}:{_line(root, setting)}: ")


def check_config(
    values: Mapping[str, Any], folder: str, where: Callable[[list[str]], str] = lambda _: ""
) -> RunConfig:
    """Settings from plain values, as a config file holds them.

    Args:
        values: by name.
        folder: that relative paths count from.
        where: a setting -> what errors say of its place.

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
    filters = [s.name for s in registry().values() if s.writes.role == SELECTION]
    return {"selections": [name for name in values if name in filters]} | dict(values)


def _read(path: str) -> str:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot read the config: {error.strerror}; name one with --config FILE"
        ) from error
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: {len(content)} bytes; a config has at most {MAX_CONFIG_BYTES}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason}") from error


def _refuse_aliases(text: str, path: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{path}:{line}: aliases (`*{event.anchor}`) are not allowed")


def _refuse_duplicates(node: yaml.Node | None, path: str) -> None:
    """YAML keeps the last of two equal settings without a word."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_duplicates(child, path)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if str(key.value) in seen:
            raise ConfigError(f"{path}:{key.start_mark.line + 1}: {key.value}: stands here twice")
        seen.add(str(key.value))
        _refuse_duplicates(value, path)


def _explain(error: ValidationError, where_is: Callable[[list[str]], str]) -> str:
    lines = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            message = f"unknown setting{_did_you_mean(where)}"
        elif problem["type"] == "missing":
            message = "is required"
        lines.append(f"{where_is(where)}{'.'.join(where)}: {message}")
    return "\n".join(lines)


def _did_you_mean(where: list[str]) -> str:
    model: Any = config_class()
    for part in where[:-1]:
        if part.isdigit():
            continue  # a place in a list, whose items all have one class
        fields = getattr(model, "model_fields", {})
        model = _model_of(fields[part].annotation) if part in fields else None
    known = list(getattr(model, "model_fields", None) or getattr(model, "__annotations__", {}))
    close = difflib.get_close_matches(where[-1], known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(sorted(known))}"


def _model_of(annotation: Any) -> Any:
    """The settings class of a field that may be optional."""
    options = getattr(annotation, "__args__", (annotation,))
    return next((option for option in options if hasattr(option, "__annotations__")), None)


def _line(node: yaml.Node | None, where: Sequence[str]) -> int:
    """Line of a setting, or of the nearest one above it that is there."""
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
    return line
