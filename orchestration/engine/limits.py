"""Judges what a stage has left of its rows: more dropped than a limit allows, or all of them."""

from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig
from orchestration.engine.plan import RunError
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.stage import Stage

TOLD_REASONS = 3  # chosen: one line
MANY_DROPPED = 0.1  # share of its rows above which a stage tells its reasons; chosen


class NothingLeftError(DalleError):
    """A stage has left no row, so that nothing after it can: the top reasons, and what to do."""


def check_reject_rate(stage: Stage, config: RunConfig, manifest: Manifest) -> None:
    """Refuse a stage that drops more than its section allows.

    Raises:
        RunError: with a table of the reasons.
    """
    limit = getattr(config.section(stage), "max_reject_rate", 1.0)
    if manifest.reject_rate <= limit:
        return
    table = "\n".join(f"  {count:>8}  {reason}" for reason, count in _by_count(manifest))
    raise RunError(
        f"{stage.name} dropped {manifest.reject_rate:.1%} of {manifest.rows_in} rows, more than "
        f"max_reject_rate {limit:.1%}:\n{table}\n"
        f"correct what drops them, or raise {stage.name}.max_reject_rate in the config; "
        "finished shards are kept"
    )


def check_rows_left(config: RunConfig, folder: StageFolder, manifest: Manifest) -> None:
    """Refuse to go on behind a stage on shards that has left no row, unless the config allows it.

    Raises:
        NothingLeftError: with the reasons for most rows, and the key of one of them.
    """
    if manifest.rows_out or not manifest.num_shards or config.allow_empty:
        return
    reasons = top_reasons(manifest) or "none came in"
    raise NothingLeftError(
        f"{manifest.stage} left no row: {reasons}; {_more(folder, manifest)}; "
        "`allow_empty: true` in the config goes on all the same"
    )


def reasons_of_many(manifest: Manifest) -> str:
    """The reasons for most of the rows that a stage dropped; empty where it dropped few."""
    return top_reasons(manifest) if manifest.reject_rate > MANY_DROPPED else ""


def top_reasons(manifest: Manifest) -> str:
    """The reasons for most rows with their counts, and how many more there are, in a line."""
    ordered = _by_count(manifest)
    told = [f"{reason} {count:,}" for reason, count in ordered[:TOLD_REASONS]]
    if rest := ordered[TOLD_REASONS:]:
        told.append(f"{sum(count for _, count in rest):,} for {len(rest)} more")
    return ", ".join(told)


def _more(folder: StageFolder, manifest: Manifest) -> str:
    """The command that shows more of the rows that were dropped."""
    if not manifest.rejected:
        return "its input is empty, or holds nothing that is read"
    keys = (key for key in read_rejected(folder, manifest, ["key"])["key"].to_pylist() if key)
    key = next(keys, "")
    return f"`dalle explain {key}` shows more" if key else "`dalle report` shows more"


def _by_count(manifest: Manifest) -> list[tuple[str, int]]:
    """Reasons with their counts, most frequent first."""
    return sorted(manifest.rejected.items(), key=lambda item: (-item[1], item[0]))
