"""The images that survived: one place joins the image shards with every selection made of them.

A selection is what a filter of images writes: the keys that it keeps and, if it likes, columns of
its own such as a score. It holds no pixels, so any number of filters costs one copy of the images.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.io.layout import StageFolder
from pipelines.io.parquet import read_table
from pipelines.io.task import StageTask
from pipelines.records import IMAGES, SELECTION, SELECTION_SCHEMA


def surviving_rows(task: StageTask, index: int, columns: list[str] | None = None) -> pa.Table:
    """The rows of an image shard that all selections before a stage keep.

    Args:
        task: of a stage that reads the roles `images` and `selection`.
        index: of the shard.
        columns: of the image shard, `key` among them; all of them by default.

    Returns:
        The rows in the order of their keys; behind the columns of the image shard those that the
        selections add, in the order of the run.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    return join_selections(
        read_table(task.input(IMAGES).part(index), columns),
        [read_table(folder.part(index)) for folder in task.all_inputs(SELECTION)],
    )


def all_surviving_rows(
    images: StageFolder, selections: Sequence[StageFolder], columns: list[str]
) -> Iterator[pa.Table]:
    """The same of every shard of a run, shard after shard."""
    for index in range(images.num_shards):
        yield join_selections(
            read_table(images.part(index), columns),
            [read_table(folder.part(index)) for folder in selections],
        )


def join_selections(images: pa.Table, selections: Sequence[pa.Table]) -> pa.Table:
    """The rows of an image shard that are in each of its selections, with the columns they add.

    Args:
        images: sorted by `key`.
        selections: of the same shard; each key stands once.
    """
    for selection in selections:
        places = pc.index_in(images["key"], selection["key"].combine_chunks())
        images = images.filter(places.is_valid())
        kept = selection.take(places.drop_null())
        for name in added_columns(selection.schema):
            images = images.append_column(selection.schema.field(name), kept[name])
    return images


def added_columns(schema: pa.Schema) -> list[str]:
    """The columns that a selection adds to the images that it keeps."""
    return [name for name in schema.names if name not in SELECTION_SCHEMA.names]
