"""What other packages add: values named by entry points, known in every process that runs a stage.

    [project.entry-points."dalle.stages"]
    sharpness = "my_package.stage:STAGE"

The groups are `dalle.stages` (`pipelines.stage.Stage`), `dalle.readers` (`Reader` of
`pipelines.crawl.readers.reader`), `dalle.rules` (`Rule` of `pipelines.captions.rules.rule`) and
`dalle.corpus_rules` (`CorpusRule` of `pipelines.captions.corpus.rule`).
"""

from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from dalle_model.errors import DalleError

STAGES = "dalle.stages"
READERS = "dalle.readers"
RULES = "dalle.rules"
CORPUS_RULES = "dalle.corpus_rules"

Value = TypeVar("Value")


class PluginError(DalleError):
    """What another package adds cannot be used: which, why, and what to change."""


def installed(group: str, kind: type[Value]) -> list[Value]:
    """The values that installed packages name in a group, by the names of their entry points.

    Args:
        group: one of those above.
        kind: the class that they must have.

    Raises:
        PluginError: one cannot be imported, or is something else.
    """
    return [_load(point, kind) for point in sorted(entry_points(group=group))]


def _load(point: EntryPoint, kind: type[Value]) -> Value:
    where = f"the entry {point.name!r} ({point.value}) of {point.group}"
    try:
        value = point.load()
    except Exception as error:  # whatever another package raises when it is imported
        raise PluginError(f"{where} cannot be imported: {error!r}; uninstall or fix it") from error
    if not isinstance(value, kind):
        raise PluginError(f"{where} must be a {kind.__name__}; correct it in its package")
    return value
