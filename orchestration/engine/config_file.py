"""The config file: YAML into frozen settings, with errors that name file and line."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from orchestration.engine.config import ConfigError, RunConfig, config_class, selection_names
from orchestration.engine.registry import registry
from pipelines.io.settings_file import SettingsFileError, explain, read_settings
from pipelines.paths import counted_from

EXPECTED = "a config is a mapping of settings; the README shows one"


def load_config(url: str) -> RunConfig:
    """Read and check a config file, on a disk or in a store.

    Raises:
        ConfigError: no such file, not YAML, an unknown or wrong setting; names file and line.
    """
    try:
        file = read_settings(url, "config", "--config", EXPECTED)
    except SettingsFileError as error:
        raise ConfigError(str(error)) from error
    return check_config(file.values, file.folder, file.where)


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
        config = config_class().model_validate(_with_selections(_as_sections(values)))
    except ValidationError as error:
        raise ConfigError(explain(error, config_class(), where)) from error
    return relocated(config, folder)


def relocated(config: RunConfig, folder: str) -> RunConfig:
    """The same config with all relative paths counted from a folder."""
    for stage in registry().values():
        if config.has(stage):
            section = stage.relocate(config.section(stage), folder)
            config = config.with_section(stage, section)
    reuse = tuple(counted_from(folder, root) for root in config.reuse)
    config = config.model_copy(update={"reuse": reuse})
    if config.replay is None:
        return config
    archive = counted_from(folder, config.replay.archive)
    replay = config.replay.model_copy(update={"archive": archive})
    return config.model_copy(update={"replay": replay})


def _as_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """A section with nothing but comments is that of its defaults; `false` leaves a filter out."""
    stages, filters = registry(), selection_names()
    found = dict(values)
    for name, value in values.items():
        if name in stages and stages[name].is_default and value is None:
            found[name] = {}
        elif name in filters and value is False:
            found[name] = None
    return found


def _with_selections(values: Mapping[str, Any]) -> dict[str, Any]:
    """The order of the filters of images, where only that of their sections states it."""
    filters = selection_names()
    named = [name for name, section in values.items() if name in filters and section is not None]
    return {"selections": named} | dict(values)
