import numpy as np
import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.cuts import Box, Cut
from dalle_model.pixels import to_png
from dalle_model.train.images import ImagesError
from pipelines.io import parquet
from pipelines.io.squares import pixels_of, surviving_squares
from pipelines.io.task import StageTask
from pipelines.records import IMAGES, SELECTION
from tests.support.image_rows import noise
from tests.support.tasks import stage_task


def key(name, caption=0):
    return f"{name:024x}{caption:016x}"


def write(task: StageTask, role: str, rows: list[dict[str, object]]) -> None:
    blank = {"url": "", "caption": ""} if role == SELECTION else {}
    table = pa.Table.from_pylist([row | blank for row in rows])
    files.write_bytes(task.input(role).part(0), parquet.to_bytes(table))


def test_each_surviving_image_is_given_once(tmp_path):
    task = stage_task(tmp_path, "dvae")
    rows = [{"key": key(n, c), "image": to_png(noise(n))} for n in range(4) for c in range(2)]
    write(task, IMAGES, rows)
    write(task, SELECTION, [{"key": key(n, 1)} for n in (0, 1, 3)])
    found = surviving_squares(task, 16)
    assert found.names == [key(n)[:24] for n in (0, 1, 3)]
    assert all(np.array_equal(found.rgb[i], noise(n)) for i, n in enumerate((0, 1, 3)))


def test_equal_squares_are_given_once(tmp_path):
    task = stage_task(tmp_path, "dvae")
    rows = [{"key": key(n), "image": to_png(noise(min(n, 2)))} for n in range(4)]
    write(task, IMAGES, rows)
    write(task, SELECTION, [{"key": row["key"]} for row in rows])
    assert surviving_squares(task, 16).names == [key(n)[:24] for n in range(3)]


def test_cuts_of_rows_come_in_their_order(tmp_path):
    task = stage_task(tmp_path, "samples")
    sizes = {"width": 48, "height": 32}  # stored at half of it
    rows = [{"key": key(n), "image": to_png(noise(n, 16, 24))} | sizes for n in range(3)]
    write(task, IMAGES, rows)
    wide, right = Cut(Box(0, 0, 48, 32), True, (16, 24)), Cut(Box(16, 0, 48, 32), False, (16, 16))
    found = pixels_of(task.input(IMAGES), [(key(2), wide), (key(0), right), (key(2), right)])
    assert np.array_equal(found[0], noise(2, 16, 24)[:, ::-1])
    assert np.array_equal(found[1], noise(0, 16, 24)[:, 8:])
    assert np.array_equal(found[2], noise(2, 16, 24)[:, 8:])


def test_of_shards_that_hold_no_key_asked_for_none_is_read(tmp_path):
    task = stage_task(tmp_path, "samples", 2)
    sizes = {"width": 16, "height": 16}
    write(task, IMAGES, [{"key": key(1), "image": to_png(noise(1))} | sizes])
    assert not files.exists(task.input(IMAGES).part(1))
    cut = Cut(Box(0, 0, 16, 16), False, (16, 16))
    assert np.array_equal(pixels_of(task.input(IMAGES), [(key(1), cut)])[0], noise(1))


def test_no_image_is_one_clear_message(tmp_path):
    task = stage_task(tmp_path, "dvae")
    row = {"key": key(1), "image": to_png(noise(1))}
    write(task, IMAGES, [row])
    write(task, SELECTION, [{"key": key(2)}])
    with pytest.raises(ImagesError, match=r"no images survive in .*inputs/images"):
        surviving_squares(task, 16)
