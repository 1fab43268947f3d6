"""Every stage there is: those of `pipelines/<name>/stage.py`, and those of other packages.

Another package adds a stage by an entry point of the group `dalle.stages` that names the value:

    [project.entry-points."dalle.stages"]
    sharpness = "my_package.stage:STAGE"
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from types import MappingProxyType

import pipelines
from dalle_model.errors import DalleError
from pipelines.stage import Stage

GROUP = "dalle.stages"


class StageError(DalleError):
    """A stage cannot be used: which, why, and what to change."""


@cache
def registry() -> MappingProxyType[str, Stage]:
    """All stages by name, sorted.

    Raises:
        StageError: two stages have one name, or an entry point is no stage.
    """
    found: dict[str, Stage] = {}
    for stage in (*_bundled(), *_installed()):
        if stage.name in found:
            raise StageError(f"two stages are called {stage.name!r}; uninstall one of the packages")
        found[stage.name] = stage
    return MappingProxyType(dict(sorted(found.items())))


def _bundled() -> Iterator[Stage]:
    for module in iter_modules(pipelines.__path__):
        name = f"pipelines.{module.name}.stage"
        if module.ispkg and find_spec(name) is not None:
            yield import_module(name).STAGE


def _installed() -> Iterator[Stage]:
    for point in entry_points(group=GROUP):
        try:
            stage = point.load()
        except Exception as error:  # whatever another package raises when it is imported
            raise StageError(f"the stage {point.name!r} ({point.value}) fails: {error}") from error
        if not isinstance(stage, Stage):
            raise StageError(f"{point.value} is no `pipelines.stage.Stage`; mend its entry point")
        yield stage
