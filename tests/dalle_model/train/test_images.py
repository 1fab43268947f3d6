import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dalle_model.pixels import to_png
from dalle_model.train.images import Images, ImagesError, read_images
from pipelines.io.keys import image_part


def random_image(seed, height=16, width=16):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


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
    found = read_images(str(tmp_path), 16)
    assert found.names == [key(n)[:24] for n in (0, 1, 3)]
    assert all(np.array_equal(found.rgb[i], random_image(n)) for i, n in enumerate((0, 1, 3)))


def test_a_run_before_dedupe_gives_all_images_and_equal_squares_once(tmp_path):
    rows = [{"key": key(n), "png": to_png(random_image(min(n, 2)))} for n in range(4)]
    write(tmp_path / "images", rows)
    assert read_images(str(tmp_path), 16).names == [key(n)[:24] for n in range(3)]


def test_a_folder_is_named_by_content_and_small_or_other_files_are_left_out(tmp_path):
    Image.fromarray(random_image(0, 20, 16)).save(tmp_path / "a.png")
    Image.fromarray(random_image(1, 15, 15)).save(tmp_path / "small.png")
    (tmp_path / "notes.txt").write_text("not an image")
    found = read_images(str(tmp_path), 16)
    assert found.names == [image_part((tmp_path / "a.png").read_bytes())]
    assert np.array_equal(found.rgb[0], random_image(0, 20, 16)[2:18])


def test_transparency_is_shown_on_white(tmp_path):
    Image.new("RGBA", (16, 16), (10, 20, 30, 0)).save(tmp_path / "clear.png")
    assert read_images(str(tmp_path), 16).rgb.min() == 255


def test_held_out_is_decided_by_the_name_alone():
    names = [f"{n:024x}" for n in range(64)]
    train, held_out = Images(names, np.stack([random_image(n) for n in range(64)])).split()
    assert (len(train), len(held_out)) == (60, 4)
    assert np.array_equal(held_out[0], random_image(15))


def test_no_images_is_one_clear_message(tmp_path):
    with pytest.raises(ImagesError, match=r"no images of 16 px or more in .*`dalle run images`"):
        read_images(str(tmp_path), 16)
