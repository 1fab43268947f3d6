import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from orchestration.report.pictures import surviving_images

from dalle_model.pixels import to_png
from dalle_model.train.images import ImagesError, distinct_images


def random_image(seed):
    return np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def key(name, caption=0):
    return f"{name:024x}{caption:016x}"


def write(folder, rows):
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, folder / "part-00000-of-00001.parquet", write_page_checksum=True)


def test_a_run_gives_each_surviving_image_once(tmp_path):
    rows = [{"key": key(n, c), "png": to_png(random_image(n))} for n in range(4) for c in range(2)]
    write(tmp_path / "images", rows)
    write(tmp_path / "dedupe", [{"key": key(n, 1)} for n in (0, 1, 3)])
    found = distinct_images(surviving_images(str(tmp_path), 16))
    assert found.names == [key(n)[:24] for n in (0, 1, 3)]
    assert all(np.array_equal(found.rgb[i], random_image(n)) for i, n in enumerate((0, 1, 3)))


def test_a_run_before_dedupe_gives_all_images_and_equal_squares_once(tmp_path):
    rows = [{"key": key(n), "png": to_png(random_image(min(n, 2)))} for n in range(4)]
    write(tmp_path / "images", rows)
    found = distinct_images(surviving_images(str(tmp_path), 16))
    assert found.names == [key(n)[:24] for n in range(3)]


def test_a_run_without_images_is_one_clear_message(tmp_path):
    with pytest.raises(ImagesError, match=r"no images in .*`dalle run images` makes them"):
        list(surviving_images(str(tmp_path), 16))
