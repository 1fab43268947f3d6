"""The surviving images: joins image shards with every selection made from them.

A selection is the output of a filter of images: the keys it keeps and, optionally, columns of its
own such as a score. It holds no pixels: images are stored once, whatever the number of filters.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.blur import blur_boxes
from dalle_model.pixels import from_stored, to_png
from pipelines.io.batches import rows_below, rows_up_to
from pipelines.io.keys import shard_of
from pipelines.io.layout import StageFolder
from pipelines.io.parquet import read_ranges, read_row_group, read_row_groups, read_table
from pipelines.io.task import StageTask
from pipelines.records import BLURRED, IMAGES, SELECTION, SELECTION_SCHEMA


def surviving_rows(task: StageTask, index: int, columns: list[str] | None = None) -> pa.Table:
    """The rows of an image shard that every earlier selection keeps.

    Args:
        task: of a stage that reads the roles `images` and `selection`.
        index: of the shard.
        columns: of the image shard, `key` among them; all of them by default.

    Returns:
        The rows in key order; the columns of the image shard, then those that the selections add,
        in the order in which they run.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    return join_selections(
        read_table(task.input(IMAGES).part(index), columns),
        [read_table(folder.part(index)) for folder in task.all_inputs(SELECTION)],
    )


def surviving_row_groups(
    task: StageTask, index: int, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """The same as `surviving_rows`, of one row group of the image shard after the other."""
    return selected_row_groups(task.input(IMAGES), task.all_inputs(SELECTION), index, columns)


def selected_row_groups(
    images: StageFolder,
    selections: Sequence[StageFolder],
    index: int,
    columns: list[str] | None = None,
) -> Iterator[pa.Table]:
    """The same, of a run that is finished."""
    kept = [read_table(folder.part(index)) for folder in selections]
    for group in read_row_groups(images.part(index), columns):
        yield join_selections(group, [_between(rows, group["key"]) for rows in kept])


def join_selections(images: pa.Table, selections: Sequence[pa.Table]) -> pa.Table:
    """The rows of an image shard that are in each of its selections, with the columns they add.

    Args:
        images: sorted by `key`.
        selections: of the same shard; each key appears once.
    """
    for selection in selections:
        indices = pc.index_in(images["key"], selection["key"].combine_chunks())
        images = images.filter(indices.is_valid())
        kept = selection.take(indices.drop_null())
        for name in added_columns(selection.schema):
            images = images.append_column(selection.schema.field(name), kept[name])
    return _with_blurred_pixels(images)


def added_columns(schema: pa.Schema) -> list[str]:
    """The columns that a selection adds to those of the images."""
    return [name for name in schema.names if name not in SELECTION_SCHEMA.names]


def images_of(images: StageFolder, keys: Iterable[str]) -> dict[str, bytes]:
    """The stored images of a few rows, for people to look at.

    No more is read than the row groups that hold them. A key that no row has is left out.

    Args:
        images: the folder of the images stage.
        keys: in any order.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    wanted: dict[int, set[str]] = defaultdict(set)
    for key in keys:
        wanted[shard_of(key, images.num_shards)].add(key)
    found: dict[str, bytes] = {}
    for index, some in sorted(wanted.items()):
        url = images.part(index)
        for number, ends in enumerate(read_ranges(url, "key")):
            if ends is None or any(ends[0] <= key <= ends[1] for key in some):
                rows = read_row_group(url, number, ["key", "image"])
                rows = rows.filter(pc.is_in(rows["key"], pa.array(sorted(some), pa.string())))
                found |= {row["key"]: row["image"] for row in rows.to_pylist()}
    return found


def _with_blurred_pixels(images: pa.Table) -> pa.Table:
    """The same rows, in whose pixels the boxes that a selection names are blurred.

    It is done here, for all that read pixels behind that selection, so that none can forget it.
    """
    for name in ("image", "full_image"):
        if BLURRED in images.column_names and name in images.column_names:
            place, field = images.column_names.index(name), images.schema.field(name)
            pairs = zip(images[name].to_pylist(), images[BLURRED].to_pylist(), strict=True)
            made = pa.array([_blurred(*pair) for pair in pairs], field.type)
            images = images.set_column(place, field, made)
    return images


def _blurred(stored: bytes | None, boxes: Sequence[int] | None) -> bytes | None:
    """An image as stored with its boxes blurred, as a PNG where there are any."""
    if stored is None or not boxes:
        return stored
    try:
        return to_png(blur_boxes(from_stored(stored), boxes))
    except (OSError, SyntaxError, ValueError):  # damaged, which is for who decodes it to say
        return stored


def _between(selection: pa.Table, keys: pa.ChunkedArray) -> pa.Table:
    """The rows of a selection that lie between the first and the last of some sorted keys."""
    if not len(keys):
        return selection.slice(0, 0)
    start = rows_below(selection, keys[0].as_py())
    return selection.slice(start, rows_up_to(selection, keys[-1].as_py()) - start)
