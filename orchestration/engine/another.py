"""Whether a directory holds another run than that of a config, and so must not be replaced."""

from collections.abc import Sequence

from dalle_model.errors import UsageError
from orchestration.engine.config import NoRunError, RunConfig, load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.preview import preview
from pipelines.stage import Stage


class ReplacingError(UsageError):
    """Finished stages of what looks like another run would be replaced: which, and how to do it."""


def check_same_run(run: Run, graph: Graph, stages: Sequence[Stage]) -> None:
    """Refuse to replace finished stages of another run, unless that was asked for.

    A changed setting of the same run replaces what depends on it without a question.

    Raises:
        ReplacingError: names each stage with what would be made again.
    """
    why = "" if run.replaces else _another(run)
    replaced = [planned for planned in preview(run, graph, stages) if planned.rows] if why else []
    replaced = [planned for planned in replaced if planned.is_made_again]
    if replaced:
        lines = "\n".join(f"  {planned}" for planned in replaced)
        raise ReplacingError(
            f"{run.root} holds another run: {why}\n{lines}\n"
            "give the command again with --yes to replace it, or with another --dir to keep both"
        )


def _another(run: Run) -> str:
    """What tells the run in the directory from that of the config; empty where nothing does."""
    try:
        old = load_run_config(run.root)
    except NoRunError:
        return ""
    new = run.config
    if old.num_shards != new.num_shards:
        return f"num_shards is {old.num_shards} there and {new.num_shards} in this config"
    if old.name != new.name:
        return f"its name is {old.name!r} there and {new.name!r} in this config"
    before, now = _origins(old), _origins(new)
    if before and now and not before & now:
        return f"it was made of {_some(before)}, this config reads {_some(now)}"
    return ""


def _origins(config: RunConfig) -> set[str]:
    return {o for s in Graph.of(config).stages for o in s.origins(config.section(s))}


def _some(names: set[str]) -> str:
    first, *others = sorted(names)
    return f"{first[:100]} and {len(others)} more" if others else first[:100]
