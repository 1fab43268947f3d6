"""All stages: those in `pipelines/<name>/stage.py`, and those of other packages."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import MappingProxyType

import pipelines
from dalle_model.errors import DalleError
from pipelines.plugins import STAGES, installed
from pipelines.stage import Stage


class StageError(DalleError):
    """A stage cannot be used: which, why, and what to change."""


@cache
def registry() -> MappingProxyType[str, Stage]:
    """All stages by name, sorted.

    Raises:
        StageError: two stages have one name.
        PluginError: a stage of another package cannot be used.
    """
    found: dict[str, Stage] = {}
    for stage in (*_bundled(), *installed(STAGES, Stage)):
        if stage.name in found:
            raise StageError(f"two stages are called {stage.name!r}; uninstall one of the packages")
        found[stage.name] = stage
    return MappingProxyType(dict(sorted(found.items())))


def _bundled() -> Iterator[Stage]:
    for module in iter_modules(pipelines.__path__):
        name = f"pipelines.{module.name}.stage"
        if module.ispkg and find_spec(name) is not None:
            yield import_module(name).STAGE
