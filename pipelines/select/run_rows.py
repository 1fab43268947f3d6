"""The rows of a run as rules read them: what earlier selections wrote, or a source carried."""

from collections import Counter
from collections.abc import Collection

import pyarrow as pa

from dalle_model.errors import UsageError
from pipelines.io.carried import Type
from pipelines.io.carried_columns import COLUMN, expanded
from pipelines.io.selections import surviving_rows
from pipelines.io.task import StageTask
from pipelines.records import SELECTION_SCHEMA
from pipelines.select.config import SelectConfig, score_column
from pipelines.select.recipe import CLUSTER, LANGUAGE, SCORE, TEXT

_IMAGE_COLUMNS = [*SELECTION_SCHEMA.names, "width", "height", COLUMN]
_TYPES: dict[str, Type] = {SCORE: "number", CLUSTER: "integer", LANGUAGE: "text"}


class SelectColumnError(UsageError):
    """A recipe reads a column that no selection wrote and no source carries."""


def read_rows(
    task: StageTask, index: int, config: SelectConfig, carried: Collection[str]
) -> pa.Table:
    """The rows of a shard that are left: `key`, `url`, `caption`, and what the recipe reads.

    Args:
        task: of the stage.
        index: of the shard.
        config: with the recipe.
        carried: names of the columns that sources carry.

    Raises:
        SelectColumnError: a column is nowhere.
    """
    return with_columns(image_rows(task, index), config, carried)


def image_rows(task: StageTask, index: int) -> pa.Table:
    """The rows of a shard that are left, without their images."""
    return surviving_rows(task, index, _IMAGE_COLUMNS)


def with_columns(rows: pa.Table, config: SelectConfig, carried: Collection[str]) -> pa.Table:
    """Rows with what the recipe reads, under the names of rules; raises as `read_rows`."""
    rows = rows.append_column(TEXT, rows["caption"])
    for name in config.chosen.columns(config):
        if name in _TYPES:
            rows = _with(rows, name, column_of(config, name), carried)
    return rows


def column_of(config: SelectConfig, name: str) -> str:
    """What a column of rules is called in the data."""
    names = {SCORE: score_column(config), CLUSTER: config.cluster, LANGUAGE: LANGUAGE}
    return names[name]


def _with(rows: pa.Table, name: str, where: str, carried: Collection[str]) -> pa.Table:
    if where in carried:
        texts = rows[COLUMN].to_pylist()
        found = expanded(texts, {where: _TYPES[name]}, Counter())[where]
    elif where in rows.column_names and where not in _IMAGE_COLUMNS:
        found = rows[where]
    else:
        raise SelectColumnError(_nowhere(rows, name, where, carried))
    return rows if name == where and name in rows.column_names else rows.append_column(name, found)


def _nowhere(rows: pa.Table, name: str, where: str, carried: Collection[str]) -> str:
    written = set(rows.column_names) - {*_IMAGE_COLUMNS, TEXT}
    there = ", ".join(sorted({*written, *carried})) or "none"
    setting = f"`select.{name}`" if name != LANGUAGE else "`select.detector`"
    return (
        f"select reads the column {where!r}, which no earlier selection writes and no source "
        f"carries; there: {there}; set {setting} to another one, or let the source `carry: "
        f"{{{where}: {_TYPES[name]}}}`"
    )
