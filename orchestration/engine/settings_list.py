"""Every setting: its type, default and meaning; in a config its value and where that is from."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from dalle_model.errors import DalleError
from orchestration.engine.answers import answered, open_settings
from orchestration.engine.config import ConfigError, RunConfig, config_class
from orchestration.engine.config_file import EXPECTED, check_config
from orchestration.engine.docstrings import meanings
from orchestration.engine.graph import Graph
from orchestration.engine.setting_types import class_in, in_words, limits_in_words
from pipelines.io.settings_file import SettingsFile, SettingsFileError, read_settings
from pipelines.io.suggest import did_you_mean
from pipelines.stage import Stage

REQUIRED = "required"
_ABSENT = object()


@dataclass(frozen=True)
class Setting:
    """One setting.

    Args:
        name: as an error names it, such as `images.side`; `[]` stands for an item of a list.
        type: in words.
        default: as JSON would hold it; `required` where there is none.
        meaning: from the docstring of its class.
        value: in a config; None where none was asked about, or it is null.
        source: of that value: file and line, `default`, `preset`, or the stage whose fact it is;
            empty where no config was asked about.
    """

    name: str
    type: str
    default: Any
    meaning: str
    value: Any = None
    source: str = ""


def all_settings() -> list[Setting]:
    """Every setting that a config may have, in the order of the sections' names."""
    return sorted(_of_class(config_class(), ""), key=lambda s: ("." in s.name, _section(s.name)))


def settings_in(url: str) -> list[Setting]:
    """The same with the values of a config file; items of lists one by one.

    Raises:
        ConfigError: as `load_config`.
    """
    try:
        file = read_settings(url, "config", "--config", EXPECTED)
    except SettingsFileError as error:
        raise ConfigError(str(error)) from error
    written = check_config(file.values, file.folder, file.where)
    config = answered(written)
    facts = _stages_of_facts(written)
    return [
        _in_config(one, path, file, config, facts)
        for setting in all_settings()
        for one, path in _items(setting, file.values)
    ]


def chosen(settings: list[Setting], name: str) -> list[Setting]:
    """The setting of a name, or all of a section; all where there is no name.

    Raises:
        ConfigError: there is none.
    """
    wanted = _bare(name)
    found = [s for s in settings if not name or _bare(s.name) == wanted or _is_below(s, wanted)]
    if not found:
        sections = {_section(s.name) for s in settings}
        near = did_you_mean(wanted, [*(_bare(s.name) for s in settings), *sections])
        meant = f"did you mean `{near}`?" if near else "`dalle config` lists all"
        raise ConfigError(f"no setting `{name[:80]}`; {meant}")
    return found


def _of_class(model: type, prefix: str, whole: Any = None) -> Iterator[Setting]:
    """The settings of a class; their defaults are those of an instance, where there is one."""
    told = meanings(model)
    for name, annotation, default, limits in _fields(model):
        full = f"{prefix}{name}"
        found = default if whole is None else getattr(whole, name)
        inner, is_list = class_in(annotation)
        if inner is not None:
            of_inner = found if isinstance(found, inner) else None
            yield from _of_class(inner, f"{full}[]." if is_list else f"{full}.", of_inner)
        else:
            words = ", ".join([in_words(annotation), *limits])
            yield Setting(full, words, _plain(found), told.get(name, ""))


def _fields(model: type) -> Iterator[tuple[str, Any, Any, list[str]]]:
    """Name, annotation, default and limits of each field of a pydantic class or a dataclass."""
    if issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            yield name, field.annotation, _default(field), limits_in_words(field.metadata)
        return
    for one in dataclasses.fields(cast(Any, model)):
        is_needed = one.default is dataclasses.MISSING
        yield one.name, one.type, REQUIRED if is_needed else one.default, []


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return REQUIRED
    return field.get_default(call_default_factory=True, validated_data={})


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return TypeAdapter(Any).dump_python(value, mode="json")


def _items(setting: Setting, values: Mapping[str, Any]) -> Iterator[tuple[Setting, list[str]]]:
    """A setting once for each item of the list that it is in, with its place in the file."""
    name, marks, rest = setting.name.partition("[].")
    path = name.split(".")
    if not marks:
        yield setting, path
        return
    items = _at(values, path)
    for number in range(len(items) if isinstance(items, list) else 0):
        place = [*path, str(number), *rest.split(".")]
        yield replace(setting, name=f"{name}[{number}].{rest}"), place


def _in_config(
    setting: Setting,
    path: list[str],
    file: SettingsFile,
    config: RunConfig,
    facts: Mapping[str, str],
) -> Setting:
    """A setting with its value and source."""
    if _at(file.values, path, _ABSENT) is not _ABSENT:
        value, source = _at(config, path), file.where(path).rstrip(": ")
    elif _at(config, path, _ABSENT) is _ABSENT:  # its section was not asked for
        return replace(setting, value=setting.default, source="not in this run")
    else:
        value = _at(config, path)
        source = "default" if _plain(value) == setting.default else "preset"
        source = facts.get(setting.name, source)
    return replace(setting, value=_plain(value), source=source)


def _stages_of_facts(config: RunConfig) -> dict[str, str]:
    """By setting that facts answer, the stage that states the fact."""
    graph = Graph.of(config)
    return {
        f"{stage.name}.{name}": f"of {writer.name}"
        for stage in graph.stages
        for name in open_settings(graph, stage)
        for writer in graph.stages
        if stage.answers[name] in _facts(graph, writer)
    }


def _facts(graph: Graph, stage: Stage) -> Mapping[str, Any]:
    try:
        return stage.facts(graph.config.section(stage), graph.provided(stage))
    except (DalleError, ImportError, OSError):  # as in `answered`
        return {}


def _at(values: Any, path: list[str], missing: Any = None) -> Any:
    """The value at a path of keys, attributes and indices."""
    for part in path:
        if isinstance(values, Mapping):
            values = values.get(part, _ABSENT)
        elif isinstance(values, list | tuple):
            values = values[int(part)] if part.isdigit() and int(part) < len(values) else _ABSENT
        else:
            values = getattr(values, part, _ABSENT)
        if values is _ABSENT:
            return missing
    return values


def _section(name: str) -> str:
    return name.partition(".")[0].partition("[")[0]


def _bare(name: str) -> str:
    """A name without the marks and numbers of items."""
    return ".".join(part.partition("[")[0] for part in name.split(".") if not part.isdigit())


def _is_below(setting: Setting, wanted: str) -> bool:
    return _bare(setting.name).startswith(f"{wanted}.")
