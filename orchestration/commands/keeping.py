"""The command about keep lists: published filters on tables that are in no run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dalle_model.errors import UsageError


@dataclass(frozen=True)
class KeepResult:
    """A keep list that was written.

    Args:
        out: its URL.
        rows_in: of all tables.
        rows_kept: in the list.
        dropped: rows by reason.
    """

    out: str
    rows_in: int
    rows_kept: int
    dropped: Mapping[str, int]

    def __str__(self) -> str:
        share = f" ({self.rows_kept / self.rows_in:.1%})" if self.rows_in else ""
        lines = [f"{self.out}: {self.rows_kept:,} of {self.rows_in:,} rows{share}"]
        return "\n".join([*lines, *(f"{count:>12,} {r}" for r, count in self.dropped.items())])


def keep(
    tables: Sequence[str],
    out: str,
    *,
    recipe: str = "",
    settings: Mapping[str, Any] | None = None,
) -> KeepResult:
    """Write the ids of the rows that a published filter keeps of tables of metadata.

    Args:
        tables: URLs of Parquet tables with a column `uid`, or of folders of such.
        out: URL of the list, a NumPy file as DataComp publishes it; `crawl.keep` takes it in.
        recipe: of `docs/select.md`; none keeps every row.
        settings: of the section `select` of a config, beside the recipe.

    Raises:
        UsageError: a recipe or a setting is unknown, or a table cannot be read.
    """
    from pydantic import ValidationError

    from orchestration.engine.registry import registry
    from pipelines.io.uids import write_uids

    stage = next(stage for stage in registry().values() if stage.on_tables is not None)
    assert stage.on_tables is not None  # so chosen
    if settings and not recipe:
        raise UsageError("settings without a recipe; give `--recipe` as well")
    try:
        config = stage.config(recipe=recipe, **(settings or {})) if recipe else None
    except ValidationError as error:
        raise UsageError("; ".join(_fault(fault) for fault in error.errors())) from error
    kept = stage.on_tables(tables, config)
    write_uids(out, kept.uids)
    return KeepResult(out, kept.rows_in, len(kept.uids), kept.dropped)


def _fault(fault: Any) -> str:
    where = ".".join(map(str, fault["loc"]))
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
