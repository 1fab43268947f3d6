import numpy as np
import pytest
from PIL import Image

from dalle_model.train.images import Images, ImagesError, distinct_images, read_image_folder
from pipelines.io.keys import image_part


def random_image(seed, height=16, width=16):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def name(number):
    return f"{number:024x}"


def test_images_are_sorted_by_name_and_equal_ones_keep_the_lowest():
    found = distinct_images((name(n), random_image(min(n, 2))) for n in (3, 0, 2, 1))
    assert found.names == [name(n) for n in range(3)]
    assert all(np.array_equal(found.rgb[n], random_image(n)) for n in range(3))


def test_no_images_at_all_are_refused():
    with pytest.raises(ImagesError, match="no images to train on; `dalle run images`"):
        distinct_images([])


def test_a_folder_is_named_by_content_and_small_or_other_files_are_left_out(tmp_path):
    Image.fromarray(random_image(0, 20, 16)).save(tmp_path / "a.png")
    Image.fromarray(random_image(1, 15, 15)).save(tmp_path / "small.png")
    (tmp_path / "notes.txt").write_text("not an image")
    found = distinct_images(read_image_folder(str(tmp_path), 16))
    assert found.names == [image_part((tmp_path / "a.png").read_bytes())]
    assert np.array_equal(found.rgb[0], random_image(0, 20, 16)[2:18])


def test_transparency_is_shown_on_white(tmp_path):
    Image.new("RGBA", (16, 16), (10, 20, 30, 0)).save(tmp_path / "clear.png")
    assert distinct_images(read_image_folder(str(tmp_path), 16)).rgb.min() == 255


def test_held_out_is_decided_by_the_name_alone():
    names = [name(n) for n in range(64)]
    train, held_out = Images(names, np.stack([random_image(n) for n in range(64)])).split("x")
    assert (len(train), len(held_out)) == (60, 4)
    assert np.array_equal(held_out[0], random_image(15))


def test_no_images_is_one_clear_message(tmp_path):
    with pytest.raises(ImagesError, match=r"no images of 16 px or more in .*`dalle run images`"):
        list(read_image_folder(str(tmp_path), 16))
