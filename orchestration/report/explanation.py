"""Why rows were kept or dropped, or what a recipe makes of a text, whichever a query is."""

from dataclasses import dataclass

from orchestration.engine.config import ConfigError, NoRunError
from orchestration.engine.latest import latest_run
from orchestration.report.lookup import is_key_or_url
from orchestration.report.trace import Step, freed_stages, is_name, trace
from orchestration.report.trace_text import explain_text, steps_text
from pipelines.io.cleaned import remedy


@dataclass(frozen=True)
class Explanation:
    """Why rows were kept or dropped; `str()` is what the command prints.

    Args:
        steps: by key, what each stage did; empty for a text that need not be in any run.
        text: for a terminal.
    """

    steps: dict[str, list[Step]]
    text: str

    def __str__(self) -> str:
        return self.text


def explained(query: str, directory: str, recipe: str) -> Explanation:
    """What is known of the rows that a query names, or of a text; as `orchestration.api.explain`.

    Raises:
        ExplainError: no such row.
        NoRunError: no such run.
        ConfigError: a recipe for what is no text.
    """
    if recipe and is_key_or_url(query):
        raise ConfigError("--recipe is for the text of a caption, not for a key or a URL")
    if recipe or not (is_key_or_url(query) or _is_name(query, directory)):
        return Explanation({}, explain_text(query, directory, recipe))
    root = directory or latest_run()
    found = trace(root, query)
    freed = freed_stages(root)
    note = f"\n\n{remedy(*freed)}" if freed else ""
    return Explanation(found.steps, steps_text(found) + note)


def _is_name(query: str, directory: str) -> bool:
    """Whether an image of a run has this name; False where there is no run."""
    try:
        return is_name(directory or latest_run(), query)
    except NoRunError:
        return False
