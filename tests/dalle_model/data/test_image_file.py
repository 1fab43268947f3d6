import pickle
from pathlib import Path

import numpy as np
import pytest

from dalle_model.data.image_file import ImageFile, ImageFileError, open_images, write_images
from tests.support.image_rows import noise
from tests.support.training_images import name_of


def whole(rgb):
    return rgb


def written(path: Path, named, kept=whole) -> ImageFile:
    write_images(str(path), "these", named, kept)
    return ImageFile(str(path))


def test_images_of_any_shape_are_read_at_their_place_in_the_order_of_their_keys(tmp_path):
    shapes = {3: (16, 20), 0: (40, 8), 2: (9, 9)}
    found = written(tmp_path / "x", ((name_of(n), noise(n, *s)) for n, s in shapes.items()))
    assert found.keys.tolist() == [name_of(n).encode() for n in sorted(shapes)]
    for row, number in enumerate(sorted(shapes)):
        assert np.array_equal(found.read(row), noise(number, *shapes[number]))


def test_equal_pixels_are_there_once_under_the_lowest_key(tmp_path):
    found = written(tmp_path / "x", ((name_of(n), noise(min(n, 2))) for n in (5, 3, 0, 2, 1)))
    assert found.keys.tolist() == [name_of(n).encode() for n in (0, 1, 2)]
    assert (tmp_path / "x").stat().st_size < 4 * noise(0).nbytes + 1500
    tall, wide = np.zeros((8, 16, 3), np.uint8), np.zeros((16, 8, 3), np.uint8)
    assert len(written(tmp_path / "y", [(name_of(0), tall), (name_of(1), wide)])) == 2


def test_what_is_not_kept_is_counted(tmp_path):
    named = ((name_of(n), noise(n, 8 + n, 16)) for n in range(6))
    found = written(tmp_path / "x", named, lambda rgb: rgb[:2] if len(rgb) > 9 else None)
    assert (len(found), found.left_out) == (4, 2)
    assert found.read(0).shape == (2, 16, 3)


def test_the_digest_is_of_keys_and_pixels_and_of_no_order(tmp_path):
    def digest(name, numbers):
        return written(tmp_path / name, ((name_of(n), noise(n)) for n in numbers)).digest

    assert digest("a", (0, 1, 2)) == digest("b", (2, 0, 1))
    assert digest("a", (0, 1, 2)) != digest("c", (0, 1, 3))


def test_a_file_is_made_once_and_again_for_other_images(tmp_path):
    path, calls = f"{tmp_path}/x", []

    def named():
        calls.append(1)
        return [(name_of(0), noise(0))]

    for made_of, expected in (("a", 1), ("a", 1), ("b", 2), ("b", 2)):
        assert len(open_images(path, made_of, named, whole)) == 1
        assert len(calls) == expected


def test_it_goes_to_another_process(tmp_path):
    found = written(tmp_path / "x", [(name_of(0), noise(0))])
    assert np.array_equal(pickle.loads(pickle.dumps(found)).read(0), noise(0))


def test_no_image_at_all_is_an_empty_file(tmp_path):
    assert len(written(tmp_path / "x", [])) == 0


@pytest.mark.parametrize("content", [b"", b"something else, and longer than the end of a file"])
def test_another_file_is_named_with_the_remedy(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ImageFileError, match=r"x holds no images of this version.*; delete it"):
        ImageFile(f"{tmp_path}/x")


def test_a_store_is_no_place_for_it():
    with pytest.raises(ImageFileError, match="give a path on this machine"):
        write_images("memory://x", "", [], whole)


def test_where_an_image_cannot_be_decoded_no_file_is_left(tmp_path):
    def named():
        yield name_of(0), noise(0)
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        write_images(f"{tmp_path}/x", "", named(), whole)
    assert list(tmp_path.iterdir()) == []
