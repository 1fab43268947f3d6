import numpy as np
import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.blur import WHOLE, blur_boxes
from dalle_model.pixels import from_stored, to_png
from pipelines.io import parquet
from pipelines.io.keys import shard_of
from pipelines.io.layout import StageFolder
from pipelines.io.selections import (
    images_of,
    join_selections,
    selected_row_groups,
    surviving_row_groups,
    surviving_rows,
)
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION
from tests.support.image_rows import row
from tests.support.tasks import stage_task

IMAGES_TABLE = pa.table({"key": ["a", "b", "c", "d"], "image": [b"1", b"2", b"3", b"4"]})


def selection(keys: str, **columns: list[float]) -> pa.Table:
    blank = [""] * len(keys)
    return pa.table({"key": list(keys), "url": blank, "caption": blank, **columns})


def test_what_every_selection_keeps_survives():
    joined = join_selections(IMAGES_TABLE, [selection("acd"), selection("abc")])
    assert joined.to_pydict() == {"key": ["a", "c"], "image": [b"1", b"3"]}


def test_their_columns_come_along_in_order_with_their_own_rows():
    scores = selection("abd", score=[0.1, 0.2, 0.4])
    sharpness = selection("bcd", sharpness=[2.0, 3.0, 4.0])
    joined = join_selections(IMAGES_TABLE, [scores, sharpness])
    assert joined.column_names == ["key", "image", "score", "sharpness"]
    assert joined["key"].to_pylist() == ["b", "d"]
    assert joined["score"].to_pylist() == [0.2, 0.4]
    assert joined["sharpness"].to_pylist() == [2.0, 4.0]


def test_without_a_selection_all_survive():
    assert join_selections(IMAGES_TABLE, []).equals(IMAGES_TABLE)


def test_an_empty_selection_leaves_the_columns():
    nothing = selection("", score=[]).cast(
        pa.schema([(n, pa.string()) for n in ("key", "url", "caption")] + [("score", pa.float32())])
    )
    joined = join_selections(IMAGES_TABLE, [nothing])
    assert joined.num_rows == 0
    assert joined.schema.field("score").type == pa.float32()


def test_a_stage_reads_the_selections_before_it(tmp_path):
    task = stage_task(tmp_path, "encode", 2)
    for index, keys in enumerate(("ab", "d")):
        files.write_bytes(task.input(IMAGES).part(index), parquet.to_bytes(IMAGES_TABLE))
        files.write_bytes(task.input(SELECTION).part(index), parquet.to_bytes(selection(keys)))
    assert surviving_rows(task, 0, ["key"]).to_pydict() == {"key": ["a", "b"]}
    assert surviving_rows(task, 1, ["key"]).to_pydict() == {"key": ["d"]}


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_by_row_groups_the_same_rows_survive_in_order(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", rows)
    task = stage_task(tmp_path, "encode")
    kept = selection("abd", score=[0.1, 0.2, 0.4])
    files.write_bytes(task.input(IMAGES).part(0), parquet.to_bytes(IMAGES_TABLE))
    files.write_bytes(task.input(SELECTION).part(0), parquet.to_bytes(kept))
    groups = list(surviving_row_groups(task, 0))
    assert len(groups) == -(-4 // rows)
    assert pa.concat_tables(groups).to_pydict() == surviving_rows(task, 0).to_pydict()
    finished = selected_row_groups(task.input(IMAGES), task.all_inputs(SELECTION), 0)
    assert list(finished) == groups


def test_a_missing_selection_is_named(tmp_path):
    task = stage_task(tmp_path, "encode")
    files.write_bytes(task.input(IMAGES).part(0), parquet.to_bytes(IMAGES_TABLE))
    with pytest.raises(parquet.UnreadableShardError, match="selection/part-00000-of-00001"):
        surviving_rows(task, 0)


def test_a_task_knows_its_inputs_by_role(tmp_path):
    task = stage_task(tmp_path, "encode")
    assert task.input(IMAGES) == StageFolder(f"{tmp_path}/inputs/images", 1)
    assert task.all_inputs("no role") == ()
    with pytest.raises(KeyError, match="reads 0 inputs of the role 'no role'"):
        task.url("no role")


@pytest.mark.parametrize("group_rows", [1, 3, 4096])
def test_images_of_a_few_rows_are_read_by_their_keys(tmp_path, monkeypatch, group_rows):
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", group_rows)
    rows = [row(number) | {"key": f"{number:016x}{number:024x}"} for number in range(20)]
    folder = StageFolder(str(tmp_path), 3)
    for index in range(3):
        shard = [one for one in rows if shard_of(one["key"], 3) == index]
        content = parquet.to_bytes(pa.Table.from_pylist(shard, schema=IMAGE_SCHEMA))
        files.write_bytes(folder.part(index), content)
    wanted = {one["key"]: one["image"] for one in rows[3:16:4]}
    assert images_of(folder, [*wanted, row(99)["key"]]) == wanted
    assert images_of(folder, []) == {}


def blurring(keys: str, boxes: list[list[int]]) -> pa.Table:
    columns = pa.array(boxes, pa.list_(pa.field("element", pa.uint16())))
    return selection(keys).append_column("blurred", columns)


def test_boxes_that_a_selection_names_are_blurred_in_all_pixels_that_are_read():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    images = pa.table(
        {"key": ["a", "b"], "image": [to_png(rgb)] * 2, "full_image": [None, to_png(rgb)]}
    )
    boxes = [[], [0, 0, WHOLE // 2, WHOLE // 2]]
    found = join_selections(images, [blurring("ab", boxes)])
    assert found["image"][0].as_py() == to_png(rgb)
    assert found["full_image"].to_pylist() == [None, found["image"][1].as_py()]
    pixels = from_stored(found["image"][1].as_py())
    assert (pixels == blur_boxes(rgb, boxes[1])).all()
    assert (pixels[30:] == rgb[30:]).all()
    assert (pixels[:20, :20] != rgb[:20, :20]).any()
    without = join_selections(images.select(["key"]), [blurring("ab", boxes)])
    assert without["blurred"].to_pylist() == boxes


def test_an_image_that_cannot_be_decoded_is_left_for_its_reader_to_tell():
    found = join_selections(IMAGES_TABLE, [blurring("a", [[0, 0, 9, 9]])])
    assert found["image"].to_pylist() == [b"1"]
