"""An error of a worker process, which Beam passes on as the text of its traceback."""

import re
from dataclasses import dataclass
from importlib import import_module

# The last line of a traceback.
_REMOTE = re.compile(
    r"^(?P<module>(?:\w+\.)*)(?P<kind>\w*(?:Error|Exception|Interrupt))(?:: (?P<text>.*))?$"
)
_WHILE_RUNNING = re.compile(r" \[while running '.*")
_OURS = ("dalle_model", "pipelines", "orchestration")


@dataclass(frozen=True)
class RemoteError:
    """The last error in a text.

    Args:
        kind: its class, where that is one of ours; else None.
        message: without what Beam adds.
    """

    kind: type[BaseException] | None
    message: str


def last_error(text: str) -> RemoteError | None:
    """The last error of a traceback in a text; None where it holds none."""
    lines = [line.strip() for line in text.splitlines()]
    for position in range(len(lines) - 1, -1, -1):
        match = _REMOTE.match(without_step(lines[position]))
        if match:
            parts = [match["text"] or match["kind"], *lines[position + 1 :]]
            message = without_step("\n".join(part for part in parts if part))
            return RemoteError(_class(match["module"].rstrip("."), match["kind"]), message)
    return None


def without_step(message: str) -> str:
    """A message without the name of the Beam step in which it was raised."""
    return _WHILE_RUNNING.sub("", message)


def _class(module: str, name: str) -> type[BaseException] | None:
    if module.partition(".")[0] not in _OURS:
        return None
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
