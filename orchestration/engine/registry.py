"""All stages: those in `pipelines/<name>/stage.py`, and those of other packages."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import MappingProxyType

import pipelines
from dalle_model.errors import UsageError
from pipelines.plugins import STAGES, PluginError, installed
from pipelines.stage import Stage


class StageError(UsageError):
    """The stages of a config do not fit together: which, why, and what to change."""


@cache
def registry() -> MappingProxyType[str, Stage]:
    """All stages by name, sorted.

    Raises:
        PluginError: a stage of another package cannot be used, or two stages have one name.
    """
    found: dict[str, Stage] = {}
    for stage in (*_bundled(), *installed(STAGES, Stage)):
        if stage.name in found:
            raise PluginError(
                f"two stages are called {stage.name!r}; uninstall one of the packages"
            )
        found[stage.name] = stage
    return MappingProxyType(dict(sorted(found.items())))


def _bundled() -> Iterator[Stage]:
    for module in iter_modules(pipelines.__path__):
        name = f"pipelines.{module.name}.stage"
        if module.ispkg and find_spec(name) is not None:
            yield import_module(name).STAGE
